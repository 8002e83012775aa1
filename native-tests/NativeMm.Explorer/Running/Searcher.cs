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
        Spoil(subject, BadCopy.None);
        Search.Begin();
        CollectionFree.Begin();
        for (int i = 0; i < WarmUps; i++)
        {
            RunOnce(subject, bounds);
        }

        Spoil(subject, copy);
        Search.Begin();
        Sites.ForgetUsed();
        Contention.Forget();
        long executions = 0;
        long steps = Execution.Steps;
        bool isComplete = false;
        do
        {
            CollectionFree.CollectIfDue();
            Contention.HasGrown = false;
            RunOnce(subject, bounds);
            executions++;
            if (Contention.HasGrown)
            {
                Search.Begin();
                executions = 0;
                continue;
            }

            isComplete = Execution.Failure is null && !Search.TryAdvance();
        }
        while ((Execution.Failure is null || Contention.HasGrown) && !isComplete && executions < bounds.ExecutionsMax);

        string? failure = Execution.Failure;
        string choices = Search.Seed;
        string seed = $"{Contention.Text}:{choices}";
        string[] trace = failure is null ? [] : Repeat(subject, bounds, choices);
        CollectionFree.End();
        GC.Collect();
        return new Outcome(executions, Execution.Steps - steps, watch.Elapsed.TotalSeconds, isComplete, failure, seed, trace, [.. Sites.Used]);
    }

    /// <summary>Repeats one execution.</summary>
    public static Outcome Replay(Case subject, BadCopy copy, Bounds bounds, string seed)
    {
        Spoil(subject, copy);
        CollectionFree.Begin();
        int end = seed.IndexOf(':', StringComparison.Ordinal);
        Contention.Know(seed[..Math.Max(end, 0)]);
        string[] trace = Repeat(subject, bounds, seed[(end + 1)..]);
        CollectionFree.End();
        return new Outcome(1, 0, 0, false, Execution.Failure, seed, trace, []);
    }

    private static void Spoil(Case subject, BadCopy copy)
    {
        bool isProtocol = copy.Kind == Weakening.Protocol;
        subject.WrongStep = isProtocol ? copy.Label : "";
        Sites.Weakened = isProtocol || copy.Kind == Weakening.None ? -1 : Sites.Require(copy.Label);
        Execution.Mutation = isProtocol ? (0, Weakening.None) : (Sites.Weakened, copy.Kind);
    }

    private static void Finish(Action end)
    {
        try
        {
            end();
        }
        catch (Exception failure)
        {
            Execution.Fail($"at the end: {failure.GetType().Name}: {failure.Message}");
        }
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
        Execution.EndStrands();
        ThreadStatics.Reset();
        ThreadStatics.Load(Fibers.Main);
        Races.AreWatched = subject.WatchesPlainMemory;
        Execution.IsReduced = (subject.IsReduced || bounds.IsReduced) && !bounds.IsWhole;
        Arena.Reset();
        var plan = new Plan();
        subject.Prepare(plan);
        Execution.Run(plan.Threads, bounds, plan.EachStep);
        if (Execution.Failure is null && !Execution.IsRedundant && plan.End is { } end)
        {
            Finish(end);
        }
    }
}
