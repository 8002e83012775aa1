using NativeMm.Frames;
using NativeMm.Primitives;
using NativeMm.Reporting;
using NativeMm.Tests.Support;
using NativeMm.Tests.Unit.Reporting;
using Xunit;

namespace NativeMm.Tests.Concurrency.Reporting;

/// <summary>Allocating threads against a reporter at work.</summary>
public sealed class ReportingConcurrencyTests
{
    private const int Workers = 3;

    // So many calls of the device, so that those who allocate come across them.
    private const int CallsMin = 100;

    // A pass gives way to allocations that wait, for up to a tenth of a second.
    private const int RefusalsMin = 50;

    public static TheoryData<ReporterVariant> Variants => ReporterFixture.Variants;

    [Theory]
    [MemberData(nameof(Variants))]
    public void A_block_under_report_is_never_handed_out(ReporterVariant variant)
    {
        using var fixture = new ReporterFixture(variant, 64, new PageReporterOptions { Delay = TimeSpan.Zero });
        int[] owners = new int[fixture.Zone.FrameCount];
        long calls = 0;
        fixture.Reporter.Register(new ScriptedDevice(ranges =>
        {
            Claim(owners, ranges, 0, -1);
            Thread.SpinWait(2000);
            Thread.Yield();
            Claim(owners, ranges, -1, 0);
            Interlocked.Increment(ref calls);
            return FrameContent.ReportedZero;
        }));
        StartGate.RunBeside(Workers, Work, 1, (_, goesOn) =>
        {
            while (goesOn())
            {
                fixture.Reporter.ReportNow();
            }
        });
        fixture.Reporter.ReportNow();
        Assert.True(calls >= CallsMin, $"Only {calls} calls.");
        Assert.Equal(0, fixture.Reporter.GetStatistics().DeviceFailures);

        void Work(int thread)
        {
            var random = new Random(thread);
            List<(Pfn Frame, int Order)> live = [];
            for (int i = 0; i < 6000 || Volatile.Read(ref calls) < CallsMin; i++)
            {
                if (live.Count < 12 && random.Next(2) == 0)
                {
                    int order = random.Next(2) == 0 ? 9 : random.Next(3, 7);
                    if (fixture.Allocator.TryAllocate(new Order(order), FrameFlags.None, out Pfn frame, out _))
                    {
                        Claim(owners, [new FrameRange(frame, new Order(order), 0)], 0, thread + 1);
                        live.Add((frame, order));
                    }
                }
                else if (live.Count != 0)
                {
                    int at = random.Next(live.Count);
                    (Pfn frame, int order) = live[at];
                    live.RemoveAt(at);
                    Claim(owners, [new FrameRange(frame, new Order(order), 0)], thread + 1, 0);
                    fixture.Allocator.Free(frame, new Order(order));
                }
            }

            foreach ((Pfn frame, int order) in live)
            {
                Claim(owners, [new FrameRange(frame, new Order(order), 0)], thread + 1, 0);
                fixture.Allocator.Free(frame, new Order(order));
            }
        }
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void An_allocation_that_would_fail_waits_for_the_blocks_under_report(ReporterVariant variant)
    {
        using var fixture = new ReporterFixture(variant, 64);
        List<Pfn> rest = fixture.Use(32);
        fixture.Free(rest.Take(8));
        rest.RemoveRange(0, 8);
        using var inDevice = new ManualResetEventSlim();
        using var goOn = new ManualResetEventSlim();
        fixture.Reporter.Register(new ScriptedDevice(_ =>
        {
            inDevice.Set();
            Assert.True(goOn.Wait(StartGate.DefaultTimeout));
            return FrameContent.Reported;
        }));
        StartGate.Run(2, thread =>
        {
            if (thread == 0)
            {
                // One call is all; the allocation ends the pass.
                Assert.InRange(fixture.Reporter.ReportNow(), 6 * (ulong)Order.Huge.Bytes, 7 * (ulong)Order.Huge.Bytes);
                return;
            }

            Assert.True(inDevice.Wait(StartGate.DefaultTimeout));
            Assert.InRange(fixture.Allocator.GetStatistics().FreeFrames, fixture.Reporter.ReserveFrames, 2 * (ulong)Order.Huge.Frames);
            while (fixture.Allocator.TryAllocate(Order.Huge, FrameFlags.NoReclaim, out Pfn last, out _))
            {
                rest.Add(last);
            }

            Assert.Equal(0u, fixture.Allocator.GetStatistics().FreeFrames);
            var later = new Thread(() =>
            {
                SpinWait.SpinUntil(() => fixture.Reporter.IsSomebodyWaiting, StartGate.DefaultTimeout);
                goOn.Set();
            });
            later.Start();
            Assert.True(fixture.Allocator.TryAllocate(Order.Huge, FrameFlags.None, out Pfn frame, out _), "It failed although blocks were free.");
            rest.Add(frame);
            later.Join();
        });
        fixture.Free(rest);
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void No_allocation_fails_while_reporting_hides_what_is_free(ReporterVariant variant)
    {
        // A slow device that always fails: the same blocks are isolated again at once, hardly ever is one to be seen free, and whoever waits
        // sleeps by the time they come back.
        using var fixture = new ReporterFixture(variant, 32, ReporterFixture.WholeBlocks);
        fixture.Reporter.Register(new ScriptedDevice(_ =>
        {
            Thread.SpinWait(20_000);
            return FrameContent.Unknown;
        }));
        StartGate.RunBeside(1, _ => AllocateAndFree(), 1, (_, goesOn) =>
        {
            while (goesOn())
            {
                fixture.Reporter.ReportNow();
            }
        });
        Assert.True(fixture.Reporter.GetStatistics().DeviceFailures >= RefusalsMin);

        void AllocateAndFree()
        {
            var blocks = new Pfn[7];
            for (int round = 0; round < 1000 || fixture.Reporter.GetStatistics().DeviceFailures < RefusalsMin; round++)
            {
                for (int i = 0; i < blocks.Length; i++)
                {
                    Assert.True(
                        fixture.Allocator.TryAllocate(Order.Max, FrameFlags.None, out blocks[i], out _),
                        $"Round {round}: block {i} of 8 that are free was refused.");
                }

                fixture.Free(blocks, Order.MaxValue);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void Unregistering_waits_for_the_call_under_way_and_none_follows(ReporterVariant variant)
    {
        using var fixture = new ReporterFixture(variant, 192);
        fixture.MakeApart(40);
        using var inDevice = new ManualResetEventSlim();
        using var unregistering = new ManualResetEventSlim();
        bool done = false;
        int calls = 0;
        var device = new ScriptedDevice(_ =>
        {
            calls++;
            inDevice.Set();
            Assert.True(unregistering.Wait(StartGate.DefaultTimeout));
            Assert.True(SpinWait.SpinUntil(() => fixture.Reporter.Device is null, StartGate.DefaultTimeout), "It was not taken away.");
            Thread.Yield();
            Volatile.Write(ref done, true);
            return FrameContent.Reported;
        });
        fixture.Reporter.Register(device);
        StartGate.Run(2, thread =>
        {
            if (thread == 0)
            {
                fixture.Reporter.ReportNow();
                return;
            }

            Assert.True(inDevice.Wait(StartGate.DefaultTimeout));
            unregistering.Set();
            fixture.Reporter.Unregister(device);
            Assert.True(Volatile.Read(ref done), "The device was still at work.");
        });
        Assert.Equal(1, calls);
        Assert.Equal(0u, fixture.Allocator.GetStatistics().IsolatedFrames);
        fixture.Reporter.Register(new NullDevice());
        Assert.Equal(8 * (ulong)Order.Huge.Bytes, fixture.Reporter.ReportNow());
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void Of_many_that_register_at_once_one_gets_in(ReporterVariant variant)
    {
        using var fixture = new ReporterFixture(variant, 32);
        int registered = 0;
        int times = 0;
        StartGate.Run(4, _ =>
        {
            for (int i = 0; i < 500; i++)
            {
                var device = new NullDevice();
                try
                {
                    fixture.Reporter.Register(device);
                }
                catch (InvalidOperationException)
                {
                    continue;
                }

                Assert.Equal(1, Interlocked.Increment(ref registered));
                Interlocked.Increment(ref times);
                fixture.Reporter.ReportNow();
                Interlocked.Decrement(ref registered);
                fixture.Reporter.Unregister(device);
            }
        });
        Assert.Null(fixture.Reporter.Device);
        Assert.True(times > 0, "Nobody got in.");
    }

    private static void Claim(int[] owners, ReadOnlySpan<FrameRange> ranges, int from, int to)
    {
        foreach (FrameRange range in ranges)
        {
            for (uint f = range.Frame.Value; f < range.Frame.Value + range.Order.Frames; f++)
            {
                int seen = Interlocked.CompareExchange(ref owners[f], to, from);
                Assert.True(seen == from, $"Frame {f} belongs to {seen}, not {from}, when {to} takes it.");
            }
        }
    }
}
