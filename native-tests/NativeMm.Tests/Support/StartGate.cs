using System.Collections.Concurrent;
using System.Diagnostics;
using Xunit;

namespace NativeMm.Tests.Support;

/// <summary>Runs a body on several threads of the system that begin together, and gives back when all are done.</summary>
/// <remarks>
/// It never gives back before: the test would go on to dispose of what its threads still use, and the process would die of that with nothing said. So
/// threads that never end end the process, by name.
/// </remarks>
public static class StartGate
{
    /// <summary>How long all threads together may take unless told otherwise.</summary>
    public static readonly TimeSpan DefaultTimeout = TimeSpan.FromSeconds(240);

    /// <summary>How long a busy machine is waited for beyond the timeout, before threads count as stuck for ever.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(5);

    /// <summary>Runs the body on each thread. Exceptions of any thread, and a thread that does not end in time, fail the test.</summary>
    /// <param name="threads">How many.</param>
    /// <param name="body">Gets the thread's number from 0 on.</param>
    /// <param name="timeout">Null for <see cref="DefaultTimeout"/>.</param>
    public static void Run(int threads, Action<int> body, TimeSpan? timeout = null)
    {
        var gate = new Gate(threads);
        var problems = new ConcurrentQueue<Exception>();
        var running = new Thread[threads];
        for (int i = 0; i < threads; i++)
        {
            int number = i;
            running[i] = new Thread(() => RunBody(gate, problems, body, number)) { IsBackground = true, Name = $"gate {number}" };
        }

        foreach (Thread thread in running)
        {
            thread.Start();
        }

        long end = Stopwatch.GetTimestamp() + (long)((timeout ?? DefaultTimeout).TotalSeconds * Stopwatch.Frequency);
        string? late = null;
        foreach (Thread thread in running)
        {
            TimeSpan left = Stopwatch.GetElapsedTime(Stopwatch.GetTimestamp(), end);
            if (!thread.Join(left < TimeSpan.Zero ? TimeSpan.Zero : left))
            {
                late ??= thread.Name;
                if (!thread.Join(s_patience))
                {
                    Environment.FailFast($"{thread.Name} does not end. {Environment.StackTrace} {problems.FirstOrDefault()}");
                }
            }
        }

        Assert.True(late is null, $"{late} did not end in time. {problems.FirstOrDefault()}");
        if (!problems.IsEmpty)
        {
            throw new AggregateException(problems);
        }
    }

    /// <summary>Runs workers, and others beside them for as long as one of the workers is at it: also one that failed has ended.</summary>
    /// <remarks>Whoever is beside is told to go on at least once, so that it has looked even if it had no core until the workers were through.</remarks>
    /// <param name="workers">How many threads work.</param>
    /// <param name="work">Gets the worker's number from 0 on, and ends by itself.</param>
    /// <param name="others">How many threads are beside them.</param>
    /// <param name="beside">Gets the thread's number, which goes on from the last worker's, and whether it is to go on; ends when it is not.</param>
    public static void RunBeside(int workers, Action<int> work, int others, Action<int, Func<bool>> beside)
    {
        int working = workers;
        Run(
            workers + others,
            thread =>
            {
                if (thread >= workers)
                {
                    bool hasAsked = false;
                    beside(thread, GoesOn);
                    return;

                    bool GoesOn()
                    {
                        bool isFirst = !hasAsked;
                        hasAsked = true;
                        return Volatile.Read(ref working) != 0 || isFirst;
                    }
                }

                try
                {
                    work(thread);
                }
                finally
                {
                    Interlocked.Decrement(ref working);
                }
            });
    }

    private static void RunBody(Gate gate, ConcurrentQueue<Exception> problems, Action<int> body, int number)
    {
        try
        {
            gate.Pass();
            body(number);
        }
        catch (Exception problem)
        {
            problems.Enqueue(problem);
        }
    }

    /// <summary>Opens when all have come. They wait awake: a thread that has to be woken begins much later than the one that wakes it.</summary>
    private sealed class Gate(int threads)
    {
        private int _missing = threads;

        public void Pass()
        {
            Interlocked.Decrement(ref _missing);
            var wait = default(SpinWait);
            while (Volatile.Read(ref _missing) > 0)
            {
                wait.SpinOnce(sleep1Threshold: -1);
            }
        }
    }
}
