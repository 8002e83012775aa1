using System.Collections.Concurrent;
using System.Diagnostics;
using NativeMm.Explorer.Cases;
using NativeMm.Explorer.Machine;
using NativeMm.Explorer.Rewriting;

namespace NativeMm.Explorer.Running;

/// <summary>All that was asked for, done by a worker a core; prints the table and says whether all is as it must be.</summary>
internal sealed class Tour(Arguments arguments)
{
    private readonly ConcurrentDictionary<(string Case, BadCopy Copy), Outcome> _outcomes = [];

    /// <summary>Runs it.</summary>
    /// <returns>The exit code.</returns>
    public int Run()
    {
        if (!Fibers.AreSupported)
        {
            Console.WriteLine("The explorer runs on Linux on x64 alone; the orderings that it searches are those of arm64.");
            return 0;
        }

        var watch = Stopwatch.StartNew();
        using var copy = new RewrittenCopy();
        string program = copy.Program;
        if (arguments.IsCount)
        {
            return Count(program) ? 0 : 1;
        }

        Case[] cases = arguments.Case.Length == 0 ? [.. CaseList.All] : [.. arguments.Case.Split(',').Select(CaseList.Find)];
        if (arguments.Seed.Length != 0)
        {
            return Replay(program, cases[0]);
        }

        BadCopy[] asked = arguments.Copy == BadCopy.None ? [] : [arguments.Copy];
        Do(program, [.. cases.SelectMany(one => (BadCopy[])[.. asked.Length != 0 ? asked : [BadCopy.None, .. one.BadCopies]], JobOf)]);
        foreach (Weakening kind in arguments.IsLabels ? (Weakening[])[Weakening.Relaxed, Weakening.Dropped, Weakening.Split] : [])
        {
            Do(program, [.. cases.SelectMany(one => UndeclaredCopies(one, kind), JobOf)]);
        }

        bool areCountsGood = arguments.Case.Length != 0 || Count(program);
        var table = new SummaryTable(cases, _outcomes, BoundsOf);
        bool isGood = table.Print(isLabels: arguments.IsLabels);
        Console.WriteLine(FormattableString.Invariant($"{_outcomes.Values.Sum(outcome => outcome.Executions):N0} executions in {watch.Elapsed.TotalSeconds:F0} s"));
        if (arguments is { IsDeep: false, IsWhole: false, IsReduced: false, Preemptions: < 0 })
        {
            table.PrintStale(File.ReadAllText(Path.Combine(SourceLabels.FindRoot(), "docs", "proof.md")));
        }

        if (arguments.Table.Length != 0)
        {
            table.Write(arguments.Table);
        }

        return isGood && areCountsGood ? 0 : 1;
    }

    private static int Replay(string program, Case one, Job job)
    {
        using var worker = new WorkerProcess(program);
        Outcome outcome = worker.Do(job);
        Console.WriteLine($"{one.Name}: {outcome.Failure ?? "this execution holds"}");
        SummaryTable.PrintTrace(outcome);
        return outcome.Failure is null ? 0 : 1;
    }

    private int Replay(string program, Case one) => Replay(program, one, JobOf(one, arguments.Copy) with { Seed = arguments.Seed });

    private bool Count(string program)
    {
        using var worker = new WorkerProcess(program);
        IReadOnlyList<string> rows = worker.CountFastPaths();
        Console.WriteLine("\n| operation | writes to lines that another thread touches | bar |\n|---|---|---|");
        foreach (string row in rows)
        {
            Console.WriteLine(row);
        }

        return !rows.Any(row => row.StartsWith('!'));
    }

    private Job JobOf(Case one, BadCopy copy) => new(one, copy, BoundsOf(one));

    private Bounds BoundsOf(Case one)
    {
        Bounds bounds = arguments.Preemptions < 0 ? one.Bounds : one.Bounds with { Preemptions = arguments.Preemptions, ExecutionsMax = long.MaxValue };
        bounds = bounds with { IsWhole = arguments.IsWhole, IsReduced = arguments.IsReduced };
        return arguments.IsDeep ? bounds with { Preemptions = bounds.Preemptions + 1, StaleReads = bounds.StaleReads + 1, ExecutionsMax = long.MaxValue } : bounds;
    }

    /// <summary>Labels that a case comes by and that nothing was found to need so far, weakened.</summary>
    private IEnumerable<BadCopy> UndeclaredCopies(Case one, Weakening kind)
    {
        HashSet<string> needed = [.. _outcomes.Where(pair => pair.Key.Copy.Kind != Weakening.None && pair.Value.IsFinding).Select(pair => pair.Key.Copy.Label)];
        return _outcomes[(one.Name, BadCopy.None)].Labels.Where(label => !needed.Contains(label)).Select(label => new BadCopy(label, kind)).Except(one.BadCopies);
    }

    private void Do(string program, Job[] jobs)
    {
        var queue = new ConcurrentQueue<Job>(jobs.OrderByDescending(job => job.Copy == BadCopy.None));
        Thread[] drivers = [.. Enumerable.Range(0, Math.Max(Environment.ProcessorCount, 1)).Select(_ => new Thread(() => Drive(program, queue)))];
        foreach (Thread driver in drivers)
        {
            driver.Start();
        }

        foreach (Thread driver in drivers)
        {
            driver.Join();
        }
    }

    private void Drive(string program, ConcurrentQueue<Job> queue)
    {
        using var worker = new WorkerProcess(program);
        while (queue.TryDequeue(out Job? job))
        {
            Outcome outcome = worker.Do(job);
            _outcomes[(job.Case.Name, job.Copy)] = outcome;
            Console.WriteLine(FormattableString.Invariant(
                $"{job.Case.Name,-24} {job.Copy,-44} {outcome.Executions,10:N0} {outcome.Steps / Math.Max(outcome.Executions, 1),5} {outcome.Seconds,6:F1} s  {outcome.Failure ?? (outcome.IsComplete ? "holds" : "holds so far")}"));
        }
    }
}
