using System.Diagnostics.Tracing;
using NativeMm.Frames;
using NativeMm.Primitives;
using NativeMm.Reporting;
using NativeMm.Runtime;
using NativeMm.Tests.Support;
using NativeMm.Tests.Unit.Reporting;
using Xunit;

namespace NativeMm.Tests.Unit.Runtime;

/// <summary>A runtime and its reporter: who may end it, and what a device may do to the runtime.</summary>
public sealed class RuntimeReporterTests
{
    private static readonly MemoryRuntimeOptions s_quiet = new()
    {
        CapacityBytes = 64 << 20,
        BackgroundTrim = false,
        Reporting = new PageReporterOptions { HighWaterBlocks = 1, Delay = TimeSpan.Zero },
    };

    [Fact]
    public void Nobody_but_the_runtime_ends_or_drives_its_reporter()
    {
        using var runtime = new MemoryRuntime(s_quiet);
        var ended = Assert.Throws<InvalidOperationException>(runtime.Reporter.Dispose);
        Assert.Contains("ends with its owner", ended.Message, StringComparison.Ordinal);
        var started = Assert.Throws<InvalidOperationException>(runtime.Reporter.Start);
        Assert.Contains("BackgroundTrim", started.Message, StringComparison.Ordinal);
        FreeOneBlock(runtime);
        Assert.True(runtime.Trim() > 0 || runtime.Reporter.Device is null);
    }

    [Fact]
    public void A_second_reporter_of_a_runtimes_frames_is_refused_and_says_why()
    {
        var runtime = new MemoryRuntime(s_quiet);
        var refused = Assert.Throws<InvalidOperationException>(() => new PageReporter(runtime.Frames));
        Assert.Contains("Normal zone of 67108864 bytes has a PageReporter already", refused.Message, StringComparison.Ordinal);
        Assert.Contains("MemoryRuntime.Reporter", refused.Message, StringComparison.Ordinal);
        runtime.Dispose();
        Assert.Throws<ObjectDisposedException>(() => runtime.Reporter.ReportNow());
    }

    [Fact]
    public void A_reporter_makes_room_for_the_next_when_it_is_disposed()
    {
        using var fixture = new ReporterFixture(ReporterVariant.LockFree, 32);
        Assert.Throws<InvalidOperationException>(() => new PageReporter(fixture.Allocator));
        fixture.Reporter.Dispose();
        using var second = new PageReporter(fixture.Allocator);
        fixture.Reporter.Dispose();
        Assert.Throws<InvalidOperationException>(() => new PageReporter(fixture.Allocator));
    }

    [Fact]
    public void A_device_may_ask_for_a_trim_while_another_thread_trims()
    {
        using var runtime = new MemoryRuntime(s_quiet);
        using var inDevice = new ManualResetEventSlim();
        UseDevice(runtime, () =>
        {
            inDevice.Set();

            // The other thread has the trim lock and waits for the pass.
            PassLine.AwaitSomebody(runtime.Reporter);
            Assert.Equal(0u, runtime.Trim());
            Assert.Throws<InvalidOperationException>(runtime.Validate);
            Assert.Throws<InvalidOperationException>(runtime.Dispose);
        });
        FreeOneBlock(runtime);
        StartGate.Run(2, thread =>
        {
            if (thread == 0)
            {
                Assert.Equal(Order.Huge.Bytes, runtime.Reporter.ReportNow());
                return;
            }

            Assert.True(inDevice.Wait(StartGate.DefaultTimeout));
            runtime.Trim();
        });
        Assert.Equal(0, runtime.Reporter.GetStatistics().DeviceFailures);
        runtime.Validate();
    }

    [Fact]
    public void Disposing_during_a_background_pass_lets_it_end_in_peace_also_when_somebody_listens()
    {
        using var listener = new EventRecorder();
        var runtime = new MemoryRuntime(s_quiet with { BackgroundTrim = true });
        using var device = new Rendezvous(StartGate.DefaultTimeout);
        UseDevice(runtime, device.Wait);
        FreeOneBlock(runtime);
        device.AwaitArrival();
        StartGate.Run(2, thread =>
        {
            if (thread == 0)
            {
                runtime.Dispose();
                return;
            }

            Assert.True(SpinWait.SpinUntil(() => runtime.Reporter.Device is null, StartGate.DefaultTimeout));
            device.Release();
        });
        Assert.Contains(listener.Events, e => e.EventName == "TrimPass" && (long)e.Payload![0]! == (long)Order.Huge.Bytes);
        Assert.DoesNotContain(listener.Events, IsFailureOfTrimmer);
    }

    [Fact]
    public void A_background_pass_that_throws_is_counted_and_the_next_one_comes()
    {
        using var listener = new EventRecorder();
        var worker = new ThrowingWorker();
        using var passes = new BackgroundPasses(worker, TimeSpan.FromMilliseconds(1), "NativeMm test");
        Assert.True(SpinWait.SpinUntil(() => passes.Failures >= 3, StartGate.DefaultTimeout), "The thread is gone.");
        Assert.Equal("InvalidTimeZoneException: not today", passes.LastFailure);
        Assert.Contains(listener.Events, e => e.EventName == "BackgroundPassFailed" && (string)e.Payload![0]! == "NativeMm test");
    }

    [Fact]
    public void A_runtime_without_failures_says_so()
    {
        using var runtime = new MemoryRuntime(s_quiet with { BackgroundTrim = true });
        Assert.Equal(0, runtime.GetStatistics().TrimFailures);
        Assert.Null(runtime.GetStatistics().LastTrimFailure);
    }

    private static bool IsFailureOfTrimmer(EventWrittenEventArgs written) =>
        written.EventName == "BackgroundPassFailed" && (string)written.Payload![0]! == "NativeMm trimmer";

    private static void UseDevice(MemoryRuntime runtime, Action report)
    {
        if (runtime.Reporter.Device is { } device)
        {
            runtime.Reporter.Unregister(device);
        }

        runtime.Reporter.Register(new ScriptedDevice(_ =>
        {
            report();
            return FrameContent.Reported;
        }));
    }

    private static void FreeOneBlock(MemoryRuntime runtime)
    {
        Assert.True(runtime.Frames.TryAllocate(Order.Huge, FrameFlags.None, out Pfn frame, out _));
        runtime.Frames.Free(frame, Order.Huge);
    }

    private sealed class ThrowingWorker : IBackgroundPass
    {
        public TimeSpan RunPass() => throw new InvalidTimeZoneException("not today");
    }
}
