using System.Runtime.CompilerServices;
using NativeMm.Frames;
using NativeMm.Primitives;
using NativeMm.Reporting;
using NativeMm.Tests.Support;
using NativeMm.Tests.Unit.Frames;
using Xunit;

namespace NativeMm.Tests.Unit.Reporting;

/// <summary>The reporter's own thread.</summary>
public sealed class ReporterThreadTests
{
    private static readonly PageReporterOptions s_quick =
        new() { Delay = TimeSpan.Zero, PassInterval = TimeSpan.FromMilliseconds(10), HighWaterBlocks = 1, BudgetDivisor = 1 };

    [Fact]
    public void It_reports_by_itself_and_stops_with_the_reporter()
    {
        using var frames = new FrameFixture(FrameVariant.LockFree, 32);
        var device = new RecordingDevice();
        using (var reporter = new PageReporter(frames.Allocator, s_quick))
        {
            reporter.Register(device);
            reporter.Start();
            Assert.Throws<InvalidOperationException>(reporter.Start);
            frames.Allocator.Free(frames.Allocate(9), Order.Huge);
            Assert.True(SpinWait.SpinUntil(() => device.Calls.Count != 0, StartGate.DefaultTimeout), "It reported nothing.");
        }

        int calls = device.Calls.Count;
        frames.Allocator.Free(frames.Allocate(9), Order.Huge);
        Assert.Equal(calls, device.Calls.Count);
    }

    [Fact]
    public void A_disposed_reporter_refuses_work_and_has_left_its_allocator()
    {
        using var frames = new FrameFixture(FrameVariant.LockFree, 32);
        var reporter = new PageReporter(frames.Allocator, s_quick);
        reporter.Register(new NullDevice());
        reporter.Dispose();
        reporter.Dispose();
        Assert.Null(reporter.Device);
        Assert.Throws<ObjectDisposedException>(() => reporter.ReportNow());
        Assert.Throws<ObjectDisposedException>(() => reporter.Register(new NullDevice()));
        Assert.Throws<ObjectDisposedException>(reporter.Start);
    }

    [Fact]
    public void The_thread_does_not_keep_a_forgotten_worker_alive()
    {
        WeakReference forgotten = StartAndForget(out BackgroundPasses passes);
        bool gone = SpinWait.SpinUntil(
            () =>
            {
                GC.Collect();
                return !forgotten.IsAlive;
            },
            StartGate.DefaultTimeout);
        Assert.True(gone);
        passes.Dispose();
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static WeakReference StartAndForget(out BackgroundPasses passes)
    {
        var worker = new Worker();
        passes = new BackgroundPasses(worker, TimeSpan.FromMilliseconds(10), "test");
        return new WeakReference(worker);
    }

    private sealed class Worker : IBackgroundPass
    {
        public TimeSpan RunPass() => TimeSpan.FromMilliseconds(10);
    }
}
