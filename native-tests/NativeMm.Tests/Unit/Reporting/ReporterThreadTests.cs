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

    public static TheoryData<FrameVariant> Variants => [FrameVariant.LockFree, FrameVariant.BuddyUncached];

    [Fact]
    public void It_reports_by_itself_and_stops_with_the_reporter()
    {
        using var frames = new FrameFixture(FrameVariant.LockFree, 32);
        using var others = new FrameFixture(FrameVariant.LockFree, 32);
        var device = new RecordingDevice();
        using var reporter = new PageReporter(frames.Allocator, s_quick);
        reporter.Register(device);
        reporter.Start();
        Assert.Throws<InvalidOperationException>(reporter.Start);
        UseAndFree(frames);
        AwaitCalls(device, 1);
        reporter.Dispose();

        // There is something to report again, and as long as the thread of another reporter needs for several passes.
        (int calls, long passes) = (device.Calls.Count, reporter.GetStatistics().Passes);
        UseAndFree(frames);
        using var other = new PageReporter(others.Allocator, s_quick);
        var control = new RecordingDevice();
        other.Register(control);
        other.Start();
        for (int call = 1; call <= 5; call++)
        {
            UseAndFree(others);
            AwaitCalls(control, call);
        }

        Assert.Equal(calls, device.Calls.Count);
        Assert.Equal(passes, reporter.GetStatistics().Passes);
    }

    [Fact]
    public void A_disposed_reporter_refuses_work()
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
        Assert.Equal(0u, reporter.Poll());
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void A_disposed_reporter_has_left_its_allocator_to_the_next_one(FrameVariant variant)
    {
        using var frames = new FrameFixture(variant, 32);
        WeakReference gone = ReportAndDispose(frames);

        // As one of its shrinkers the allocator would keep it alive.
        AssertCollected(gone);
        UseAndFree(frames);
        using var next = new PageReporter(frames.Allocator, s_quick);
        next.Register(new NullDevice());
        Assert.Equal(Order.Max.Bytes, next.ReportNow());
    }

    [Fact]
    public void Stopping_waits_for_the_pass_under_way_and_none_follows()
    {
        using var inPass = new ManualResetEventSlim();
        var worker = new Worker();
        using var passes = new BackgroundPasses(worker, TimeSpan.FromMilliseconds(10), "test");
        var stopping = new Thread(passes.Dispose);
        worker.OnPass = () =>
        {
            inPass.Set();

            // Until the other thread waits, or is through without.
            SpinWait.SpinUntil(() => (stopping.ThreadState & (ThreadState.WaitSleepJoin | ThreadState.Stopped)) != 0, StartGate.DefaultTimeout);
            worker.WasStoppedInPass = (stopping.ThreadState & ThreadState.Stopped) != 0;
        };
        Assert.True(inPass.Wait(StartGate.DefaultTimeout), "It does not work.");
        stopping.Start();
        Assert.True(stopping.Join(StartGate.DefaultTimeout));
        int done = worker.Passes;

        var control = new Worker();
        using var others = new BackgroundPasses(control, TimeSpan.FromMilliseconds(10), "control");
        Assert.True(SpinWait.SpinUntil(() => control.Passes >= 5, StartGate.DefaultTimeout), "The other one does not work.");
        Assert.Equal(done, worker.Passes);
        Assert.False(worker.WasStoppedInPass, "It was stopped while a pass was under way.");
        GC.KeepAlive(worker);
        GC.KeepAlive(control);
    }

    [Fact]
    public void The_thread_does_not_keep_a_forgotten_worker_alive()
    {
        WeakReference forgotten = StartAndForget(out BackgroundPasses passes);
        AssertCollected(forgotten);
        passes.Dispose();
    }

    private static void UseAndFree(FrameFixture frames) => frames.Allocator.Free(frames.Allocate(Order.MaxValue), Order.Max);

    private static void AwaitCalls(RecordingDevice device, int calls) =>
        Assert.True(SpinWait.SpinUntil(() => device.Calls.Count >= calls, StartGate.DefaultTimeout), "It reported nothing.");

    private static void AssertCollected(WeakReference reference)
    {
        bool gone = SpinWait.SpinUntil(
            () =>
            {
                GC.Collect();
                return !reference.IsAlive;
            },
            StartGate.DefaultTimeout);
        Assert.True(gone, "Somebody keeps it alive.");
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static WeakReference ReportAndDispose(FrameFixture frames)
    {
        using var reporter = new PageReporter(frames.Allocator, s_quick);
        reporter.Register(new NullDevice());
        UseAndFree(frames);
        Assert.Equal(Order.Max.Bytes, reporter.ReportNow());
        reporter.Start();
        return new WeakReference(reporter);
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
        private int _passes;

        public Action? OnPass { get; set; }

        public int Passes => Volatile.Read(ref _passes);

        public bool WasStoppedInPass { get; set; }

        public TimeSpan RunPass()
        {
            OnPass?.Invoke();
            Interlocked.Increment(ref _passes);
            return TimeSpan.FromMilliseconds(10);
        }
    }
}
