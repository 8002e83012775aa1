using NativeMm.Explorer.Machine;
using Stopwatch = System.Diagnostics.Stopwatch;

namespace NativeMm.Explorer.Running;

/// <summary>Runs all executions of a case.</summary>
internal static class Searcher
{
    /// <summary>Executions that nobody counts, in which the runtime compiles code and runs static constructors.</summary>
    private const int WarmUps = 2;

    /// <summary>Searches until something fails, nothing is left, or a bound is reached.</summary>
    /// <param name="subject">The case.</param>
    /// <param name="copy">What is wrong with the library.</param>
    /// <param name="bounds">How far to go.</param>
    public static Outcome Run(Case subject, BadCopy copy, Bounds bounds)
    {
        var watch = Stopwatch.StartNew();
        Execution.Mutation = (0, Weakening.None);
        Search.Begin();
        CollectionFree.Begin();
        for (int i = 0; i < WarmUps; i++)
        {
            RunOnce(subject, bounds);
        }

        Execution.Mutation = (Sites.Require(copy.Label), copy.Kind);
        Search.Begin();
        Sites.ForgetUsed();
        long executions = 0;
        long steps = Execution.Steps;
        bool isComplete = false;
        do
        {
            CollectionFree.CollectIfDue();
            RunOnce(subject, bounds);
            executions++;
            isComplete = Execution.Failure is null && !Search.TryAdvance();
        }
        while (Execution.Failure is null && !isComplete && executions < bounds.ExecutionsMax);

        string? failure = Execution.Failure;
        string seed = Search.Seed;
        string[] trace = failure is null ? [] : Repeat(subject, bounds, seed);
        CollectionFree.End();
        GC.Collect();
        return new Outcome(executions, Execution.Steps - steps, watch.Elapsed.TotalSeconds, isComplete, failure, seed, trace, [.. Sites.Used]);
    }

    /// <summary>Repeats one execution.</summary>
    public static Outcome Replay(Case subject, BadCopy copy, Bounds bounds, string seed)
    {
        Execution.Mutation = (Sites.Require(copy.Label), copy.Kind);
        CollectionFree.Begin();
        string[] trace = Repeat(subject, bounds, seed);
        CollectionFree.End();
        return new Outcome(1, 0, 0, false, Execution.Failure, seed, trace, []);
    }

    private static string[] Repeat(Case subject, Bounds bounds, string seed)
    {
        Search.Begin(seed);
        Trace.Begin();
        RunOnce(subject, bounds);
        Trace.End();
        return [.. Trace.Lines];
    }

    private static void RunOnce(Case subject, Bounds bounds)
    {
        Search.Restart();
        ThreadStatics.Reset();
        ThreadStatics.Load(Fibers.Main);
        Races.AreWatched = subject.WatchesPlainMemory;
        var plan = new Plan();
        subject.Prepare(plan);
        Execution.Run(plan.Threads, bounds, plan.EachStep);
        if (Execution.Failure is null)
        {
            plan.End?.Invoke();
        }
    }
}
