using NativeMm.Primitives;
using NativeMm.Reporting;
using NativeMm.Tests.Support;
using Xunit;

namespace NativeMm.Tests.Unit.Primitives;

/// <summary>Threads that the system refuses at first.</summary>
public sealed class BackgroundThreadTests
{
    private int _allowed;
    private int _asked;
    private int _runs;

    [Fact]
    public void A_thread_that_was_refused_starts_when_it_is_tried_again()
    {
        BackgroundThread thread = Make();
        Assert.False(thread.HasStarted);
        Assert.Contains("'test'", thread.Refusal, StringComparison.Ordinal);
        Volatile.Write(ref _allowed, 1);
        Await(thread, BackgroundThread.TryAgain);
        Assert.Null(thread.Refusal);
        thread.Await();
        Assert.Equal(1, Volatile.Read(ref _runs));
        Assert.False(thread.IsRunning);
    }

    [Fact]
    public void Garbage_collections_try_again_and_again()
    {
        BackgroundThread thread = Make();
        int asked = Volatile.Read(ref _asked);
        for (int i = 0; i < 2; i++)
        {
            Assert.True(
                SpinWait.SpinUntil(
                    () =>
                    {
                        GC.Collect(0);
                        return Volatile.Read(ref _asked) > asked;
                    },
                    StartGate.DefaultTimeout),
                "It is not tried again.");
            asked = Volatile.Read(ref _asked);
        }

        Assert.False(thread.HasStarted);
        Volatile.Write(ref _allowed, 1);
        Await(thread, static () => GC.Collect(0));
        thread.Await();
        Assert.Equal(1, Volatile.Read(ref _runs));
    }

    [Fact]
    public void A_thread_that_is_not_wanted_any_more_is_never_started()
    {
        BackgroundThread first = Make();
        BackgroundThread forgotten = Make();
        BackgroundThread last = Make();
        forgotten.Forget();
        forgotten.Await();
        Volatile.Write(ref _allowed, 1);
        Await(first, BackgroundThread.TryAgain);
        Await(last, BackgroundThread.TryAgain);
        BackgroundThread.TryAgain();
        first.Await();
        last.Await();
        Assert.False(forgotten.HasStarted);
        Assert.Equal(2, Volatile.Read(ref _runs));
    }

    [Fact]
    public void Passes_without_a_thread_say_so_and_begin_when_it_comes()
    {
        var worker = new Worker();
        using var passes = new BackgroundPasses(worker, TimeSpan.FromMilliseconds(10), "test", Start);
        Assert.False(passes.IsRunning);
        Assert.Equal(1, passes.Failures);
        Assert.Contains("ulimit -u", passes.LastFailure, StringComparison.Ordinal);
        Volatile.Write(ref _allowed, 1);
        Assert.True(
            SpinWait.SpinUntil(
                () =>
                {
                    BackgroundThread.TryAgain();
                    return worker.Passes > 0;
                },
                StartGate.DefaultTimeout),
            "No pass is made.");
        Assert.Equal(0, passes.Failures);
        Assert.Null(passes.LastFailure);
        GC.KeepAlive(worker);
    }

    [Fact]
    public void Passes_without_a_thread_end_at_once()
    {
        var passes = new BackgroundPasses(new Worker(), TimeSpan.FromMilliseconds(10), "test", Start);
        passes.Dispose();
        passes.Dispose();
        Volatile.Write(ref _allowed, 1);
        BackgroundThread.TryAgain();
        Assert.False(passes.IsRunning);
    }

    private BackgroundThread Make() => new("test", ThreadPriority.Normal, () => Interlocked.Increment(ref _runs), Start);

    private void Start(Thread thread)
    {
        Interlocked.Increment(ref _asked);
        if (Volatile.Read(ref _allowed) == 0)
        {
            throw new OutOfMemoryException();
        }

        thread.Start();
    }

    // Somebody else may be trying at this moment.
    private static void Await(BackgroundThread thread, Action tryAgain) => Assert.True(
        SpinWait.SpinUntil(
            () =>
            {
                tryAgain();
                return thread.HasStarted;
            },
            StartGate.DefaultTimeout),
        "It is not started.");

    private sealed class Worker : IBackgroundPass
    {
        private int _passes;

        public int Passes => Volatile.Read(ref _passes);

        public TimeSpan RunPass()
        {
            Interlocked.Increment(ref _passes);
            return TimeSpan.FromMilliseconds(10);
        }
    }
}
