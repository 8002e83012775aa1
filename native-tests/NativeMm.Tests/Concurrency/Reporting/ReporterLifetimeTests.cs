using NativeMm.Frames;
using NativeMm.Primitives;
using NativeMm.Reporting;
using NativeMm.Tests.Support;
using NativeMm.Tests.Unit.Frames;
using NativeMm.Tests.Unit.Reporting;
using Xunit;

namespace NativeMm.Tests.Concurrency.Reporting;

/// <summary>Disposing a reporter that is at work on another thread, and what others may do until it is gone.</summary>
public sealed class ReporterLifetimeTests
{
    private const ulong BlockBytes = 2 << 20;

    private static readonly PageReporterOptions s_quick =
        new() { Delay = TimeSpan.Zero, PassInterval = TimeSpan.FromMilliseconds(10), HighWaterBlocks = 1, BudgetDivisor = 1 };

    public static TheoryData<ReporterVariant> Variants => ReporterFixture.Variants;

    [Fact]
    public void A_device_on_the_reporters_own_thread_may_dispose_it()
    {
        using var frames = new FrameFixture(FrameVariant.LockFree, 32);
        var reporter = new PageReporter(frames.Allocator, s_quick);
        using var cameBack = new ManualResetEventSlim();
        reporter.Register(new ScriptedDevice(_ =>
        {
            reporter.Dispose();
            cameBack.Set();
            return FrameContent.Reported;
        }));
        frames.Allocator.Free(frames.Allocate(9), Order.Huge);
        reporter.Start();
        Assert.True(cameBack.Wait(StartGate.DefaultTimeout), "Dispose waits for the thread that it is called on.");

        // This one waits for the pass and the thread; only then may the frames go.
        StartGate.Run(1, _ => reporter.Dispose());
        Assert.Equal(1, reporter.GetStatistics().DeviceCalls);
        Assert.Equal(0u, frames.Allocator.GetStatistics().IsolatedFrames);
        new PageReporter(frames.Allocator).Dispose();
    }

    [Fact]
    public void A_device_may_dispose_while_the_reporters_thread_waits_for_the_pass_that_it_is_in()
    {
        using var frames = new FrameFixture(FrameVariant.LockFree, 32);
        var reporter = new PageReporter(frames.Allocator, s_quick with { HighWaterBlocks = 1_000_000 });
        reporter.Register(new ScriptedDevice(_ =>
        {
            reporter.Start();
            PassLine.AwaitSomebody(reporter);
            reporter.Dispose();
            return FrameContent.Reported;
        }));
        frames.Allocator.Free(frames.Allocate(9), Order.Huge);
        StartGate.Run(1, _ => Assert.Equal(BlockBytes, reporter.ReportNow()));
        StartGate.Run(1, _ => reporter.Dispose());
        Assert.Equal(0, reporter.GetStatistics().DeviceFailures);
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void Disposing_waits_for_one_call_and_not_for_the_pass(ReporterVariant variant)
    {
        using var fixture = new ReporterFixture(variant, 320);
        fixture.MakeApart(70);
        using var device = new Rendezvous(StartGate.DefaultTimeout);
        fixture.Reporter.Register(new ScriptedDevice(_ =>
        {
            device.Wait();
            return FrameContent.Reported;
        }));
        ulong reported = 0;
        StartGate.Run(3, thread =>
        {
            switch (thread)
            {
                case 0:
                    reported = fixture.Reporter.ReportNow();
                    break;
                case 1:
                    device.AwaitArrival();
                    fixture.Reporter.Dispose();
                    Assert.Equal(0u, fixture.Allocator.GetStatistics().IsolatedFrames);
                    break;
                default:
                    // The device is taken away before the call under way is waited for; nobody gets in meanwhile.
                    device.AwaitArrival();
                    Assert.True(SpinWait.SpinUntil(() => fixture.Reporter.Device is null, StartGate.DefaultTimeout));
                    Assert.Throws<ObjectDisposedException>(() => fixture.Reporter.Register(new NullDevice()));
                    Assert.Throws<ObjectDisposedException>(fixture.Reporter.Start);
                    Assert.Throws<ObjectDisposedException>(() => fixture.Reporter.ReportNow());
                    device.Release();
                    break;
            }
        });
        Assert.Equal(32 * BlockBytes, reported);
        Assert.Equal(1, fixture.Reporter.GetStatistics().DeviceCalls);
        Assert.Equal(0, fixture.Reporter.GetStatistics().PressureStops);
    }

    [Fact]
    public void Disposing_a_thread_of_its_own_waits_for_one_call_and_not_for_the_pass()
    {
        using var frames = new FrameFixture(FrameVariant.LockFree, 320);
        using var device = new Rendezvous(StartGate.DefaultTimeout);
        using var reporter = new PageReporter(frames.Allocator, s_quick);
        frames.FreeAll(frames.AllocateAll(9), 9);
        reporter.Register(new ScriptedDevice(_ =>
        {
            device.Wait();
            return FrameContent.Reported;
        }));
        reporter.Start();
        device.AwaitArrival();
        StartGate.Run(2, thread =>
        {
            if (thread == 0)
            {
                reporter.Dispose();
                return;
            }

            Assert.True(SpinWait.SpinUntil(() => reporter.Device is null, StartGate.DefaultTimeout));
            device.Release();
        });
        Assert.Equal(1, reporter.GetStatistics().DeviceCalls);
        Assert.Equal(0, reporter.GetStatistics().DeviceFailures);
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void An_allocation_still_waits_for_the_blocks_of_the_last_call_of_a_reporter_that_is_being_disposed(ReporterVariant variant)
    {
        using var fixture = new ReporterFixture(variant, 64);
        fixture.Free(fixture.Use(32).Take(8));
        using var device = new Rendezvous(StartGate.DefaultTimeout);
        fixture.Reporter.Register(new ScriptedDevice(_ =>
        {
            device.Wait();
            return FrameContent.Reported;
        }));
        StartGate.Run(4, thread =>
        {
            switch (thread)
            {
                case 0:
                    fixture.Reporter.ReportNow();
                    break;
                case 1:
                    device.AwaitArrival();
                    fixture.Reporter.Dispose();
                    break;
                case 2:
                    device.AwaitArrival();
                    Assert.True(SpinWait.SpinUntil(() => fixture.Reporter.Device is null, StartGate.DefaultTimeout));
                    while (fixture.Allocator.TryAllocate(Order.Huge, FrameFlags.NoReclaim, out _, out _))
                    {
                    }

                    Assert.True(fixture.Allocator.TryAllocate(Order.Huge, FrameFlags.None, out _, out _), "It failed although blocks were coming back.");
                    break;
                default:
                    SpinWait.SpinUntil(() => fixture.Reporter.IsSomebodyWaiting, StartGate.DefaultTimeout);
                    device.Release();
                    break;
            }
        });
    }

    [Fact]
    public void Starting_and_disposing_at_once_leaves_no_thread()
    {
        using var frames = new FrameFixture(FrameVariant.LockFree, 32);
        for (int round = 0; round < 200; round++)
        {
            var reporter = new PageReporter(frames.Allocator, s_quick);
            reporter.Register(new NullDevice());
            StartGate.Run(3, thread =>
            {
                try
                {
                    switch (thread)
                    {
                        case 0:
                            reporter.Start();
                            break;
                        case 1:
                            reporter.ReportNow();
                            break;
                        default:
                            reporter.Dispose();
                            break;
                    }
                }
                catch (ObjectDisposedException)
                {
                }
            });
            Assert.False(reporter.HasThread, "The thread outlived the reporter.");
            Assert.Null(reporter.Device);
        }
    }
}
