using System.Diagnostics;
using NativeMm.Lab.Experiments;

namespace NativeMm.Lab.Harness;

/// <summary>Launches children one after the other and gathers what they find.</summary>
/// <param name="settings">How to measure.</param>
/// <param name="launch">Measures one case in a fresh process.</param>
internal sealed class LabRunner(RunSettings settings, Func<MeasurementRequest, IReadOnlyDictionary<string, string>, Measurement> launch)
{
    /// <summary>Launches cases in the given order.</summary>
    /// <param name="launches">The order; a case appears once a launch.</param>
    /// <param name="progress">Told about every launch before it happens: the case and how many launches are done of how many.</param>
    /// <param name="budget">When this time is over, no further child is launched; null means all are.</param>
    /// <param name="interrupted">Whether somebody wants it to end; null means nobody ever does.</param>
    public RunOutcome Run(IEnumerable<Case> launches, Action<Case, int, int> progress, TimeSpan? budget, Func<bool>? interrupted = null)
    {
        interrupted ??= static () => false;
        var recorder = new LaunchRecorder();
        var leftOut = new List<string>();
        List<Case> order = [.. launches.Where(c => IsAvailable(c, leftOut))];
        var never = new HashSet<Case>(order);
        long start = Stopwatch.GetTimestamp();
        int done = 0;
        bool isInterrupted = false;
        foreach (Case next in order)
        {
            if (isInterrupted || interrupted())
            {
                isInterrupted = true;
                break;
            }

            if (budget is { } limit && Stopwatch.GetElapsedTime(start) > limit)
            {
                break;
            }

            progress(next, done++, order.Count);
            never.Remove(next);
            if (!recorder.HasFailed(next))
            {
                var request = new MeasurementRequest(next, settings.Seconds, settings.Quick, settings.Pin);
                Measurement found = launch(request, FindVariant(next).Environment);

                // An interrupt reaches the child as well, so that a launch which fails beside one tells nothing of its case.
                isInterrupted = found.IsInterrupted || interrupted();
                if (!isInterrupted || found.Error is null)
                {
                    recorder.Add(next, found);
                }
            }
        }

        IReadOnlyList<ResultRow> rows = recorder.Rows();
        if (isInterrupted)
        {
            int without = order.Distinct().Count() - rows.Count - recorder.Failures.Count;
            leftOut.Add($"Interrupted in launch {done} of {order.Count}: {without} of {order.Distinct().Count()} cases have no figure, and others may have fewer launches.");
        }
        else
        {
            if (never.Count > 0)
            {
                string each = string.Join(", ", never.GroupBy(c => c.Experiment).Select(g => $"{g.Key} {g.Count()}"));
                leftOut.Add($"{never.Count} of {order.Distinct().Count()} cases are left out, because the time was over: {each}. The command run measures any of them.");
            }
        }

        return new RunOutcome(rows, recorder.Failures, leftOut, Stopwatch.GetElapsedTime(start)) { IsInterrupted = isInterrupted };
    }

    private static bool IsAvailable(Case wanted, List<string> leftOut)
    {
        string? missing = FindVariant(wanted).Missing;
        if (missing is not null && !leftOut.Contains(missing))
        {
            leftOut.Add(missing);
        }

        return missing is null;
    }

    private static Variant FindVariant(Case wanted) =>
        ExperimentRegistry.Get(wanted.Experiment).Variants.First(v => v.Name == wanted.Variant);
}
