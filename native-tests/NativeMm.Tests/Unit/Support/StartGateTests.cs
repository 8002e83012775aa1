using NativeMm.Tests.Support;
using Xunit;

namespace NativeMm.Tests.Unit;

public sealed class StartGateTests
{
    [Fact]
    public void Each_thread_runs_once()
    {
        int[] runs = new int[5];
        StartGate.Run(5, thread => Interlocked.Increment(ref runs[thread]));
        Assert.Equal([1, 1, 1, 1, 1], runs);
    }

    [Fact]
    public void Problem_of_a_thread_fails_the_test()
    {
        AggregateException problem = Assert.Throws<AggregateException>(
            () => StartGate.Run(3, thread => Assert.NotEqual(1, thread)));
        Assert.Single(problem.InnerExceptions);
    }

    [Fact]
    public void Whoever_is_beside_goes_on_for_as_long_as_somebody_works()
    {
        int rounds = 0;
        StartGate.RunBeside(
            2,
            _ => Assert.True(SpinWait.SpinUntil(() => Volatile.Read(ref rounds) > 10, StartGate.DefaultTimeout)),
            1,
            (thread, goesOn) =>
            {
                Assert.Equal(2, thread);
                while (goesOn())
                {
                    Interlocked.Increment(ref rounds);
                }
            });
        Assert.True(rounds > 10);
    }

    [Fact]
    public void Whoever_is_beside_ends_when_a_worker_fails_and_has_gone_on_once()
    {
        int rounds = 0;
        AggregateException problem = Assert.Throws<AggregateException>(() => StartGate.RunBeside(
            1,
            _ => throw new InvalidOperationException("work"),
            3,
            (_, goesOn) =>
            {
                for (bool isFirst = true; goesOn(); isFirst = false)
                {
                    Interlocked.Add(ref rounds, isFirst ? 1 : 0);
                }
            }));
        Assert.Equal("work", Assert.Single(problem.InnerExceptions).Message);
        Assert.Equal(3, rounds);
    }

    [Fact]
    public void Thread_that_is_late_fails_the_test_but_only_once_it_is_over()
    {
        bool isOver = false;
        Thread waiting = Thread.CurrentThread;
        Assert.ThrowsAny<Xunit.Sdk.XunitException>(() => StartGate.Run(
            1,
            _ =>
            {
                // Without patience it sleeps only after it has found this thread to be late. It may seem to sleep for a moment before that.
                Assert.True(SpinWait.SpinUntil(() => (waiting.ThreadState & ThreadState.WaitSleepJoin) != 0, StartGate.DefaultTimeout));
                Thread.Sleep(200);
                Volatile.Write(ref isOver, true);
            },
            TimeSpan.Zero));
        Assert.True(Volatile.Read(ref isOver));
    }
}
