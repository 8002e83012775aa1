using Xunit;

namespace NativeMm.Tests.Concurrency.Buffers;

/// <summary>Threads that begin together and must end in time.</summary>
internal static class GatedThreads
{
    private static readonly TimeSpan s_timeout = TimeSpan.FromSeconds(60);

    /// <summary>Runs the body on several threads; what one of them throws comes out here.</summary>
    public static void Run(int count, Action<int> body)
    {
        using var start = new Barrier(count);
        Task[] threads = [.. Enumerable.Range(0, count).Select(index => Task.Factory.StartNew(
            () =>
            {
                Assert.True(start.SignalAndWait(s_timeout), "The threads did not all start.");
                body(index);
            },
            CancellationToken.None,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default))];
        Assert.True(Task.WaitAll(threads, s_timeout), "The threads did not end.");
    }
}
