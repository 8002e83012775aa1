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
    public void Thread_that_is_late_fails_the_test_but_only_once_it_is_over()
    {
        bool isOver = false;
        Assert.ThrowsAny<Xunit.Sdk.XunitException>(() => StartGate.Run(
            1,
            _ =>
            {
                Thread.Sleep(500);
                Volatile.Write(ref isOver, true);
            },
            TimeSpan.FromMilliseconds(50)));
        Assert.True(Volatile.Read(ref isOver));
    }
}
