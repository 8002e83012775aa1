using NativeMm.Lab.Experiments;
using NativeMm.Lab.Harness;

namespace NativeMm.Lab.Reporting;

/// <summary>What is compared with each other: the rows of one experiment with the same parameters and threads.</summary>
/// <param name="Experiment">Whose rows they are.</param>
/// <param name="Parameters">Their parameters.</param>
/// <param name="Threads">Their number of threads.</param>
/// <param name="Rows">The rows, one a variant.</param>
internal sealed record ResultGroup(IExperiment Experiment, ParameterValues Parameters, int Threads, IReadOnlyList<ResultRow> Rows)
{
    /// <summary>A heading.</summary>
    public string Title => Parameters.Pairs.Count == 0 ? Case.ThreadsText(Threads) : $"{ParametersText}, {Case.ThreadsText(Threads)}";

    /// <summary>The parameters by name and value, as <c>--set</c> takes them, paths without their folders.</summary>
    public string ParametersText => string.Join(' ', Parameters.Pairs.Select(p => $"{p.Key}={(p.Value.Contains('/') ? Path.GetFileName(p.Value) : p.Value)}"));

    /// <summary>The first headline metric that any row has: parts of one experiment may have headlines of their own.</summary>
    public MetricDefinition? Headline => Experiment.Metrics.FirstOrDefault(m => m.IsHeadline && Rows.Any(r => r.Find(m.Name) is not null));

    /// <summary>Splits rows into groups, in their order.</summary>
    public static IReadOnlyList<ResultGroup> Of(IReadOnlyList<ResultRow> rows) =>
    [
        .. from row in rows
           group row by (row.Case.Experiment, row.Case.Parameters, row.Case.Threads) into rowsOfGroup
           let experiment = ExperimentRegistry.Get(rowsOfGroup.Key.Experiment)
           select new ResultGroup(experiment, rowsOfGroup.Key.Parameters, rowsOfGroup.Key.Threads, InOrder(experiment, rowsOfGroup)),
    ];

    /// <summary>
    /// Groups that stand beside each other and share their scales: those that follow one another with the same value of their first parameter, or without any. What is
    /// measured in different ways need not be read off one scale.
    /// </summary>
    public static IReadOnlyList<IReadOnlyList<ResultGroup>> Neighbours(IReadOnlyList<ResultGroup> groups)
    {
        var rows = new List<List<ResultGroup>>();
        foreach (ResultGroup group in groups)
        {
            if (rows.Count == 0 || !First(rows[^1][0]).Equals(First(group)))
            {
                rows.Add([]);
            }

            rows[^1].Add(group);
        }

        return rows;

        static KeyValuePair<string, string> First(ResultGroup of) => of.Parameters.Pairs is [var first, ..] ? first : default;
    }

    /// <summary>The median of the best peer, or null when no peer was measured.</summary>
    public double? BestPeer(MetricDefinition metric)
    {
        double[] peers = [.. Rows.Where(IsPeer).Select(r => r.Find(metric.Name)?.Median).OfType<double>()];
        return peers.Length == 0 ? null : metric.LowerIsBetter ? peers.Min() : peers.Max();
    }

    /// <summary>Whether a row is NativeMm's own.</summary>
    public bool IsOurs(ResultRow row) => Experiment.Variants.Any(v => v.Name == row.Case.Variant && v.IsOurs);

    private bool IsPeer(ResultRow row) => Experiment.Variants.Any(v => v.Name == row.Case.Variant && !v.IsOurs && !v.IsYardstick);

    private static IReadOnlyList<ResultRow> InOrder(IExperiment experiment, IEnumerable<ResultRow> rows)
    {
        string[] order = [.. experiment.Variants.Select(v => v.Name)];
        return [.. rows.OrderBy(r => Array.IndexOf(order, r.Case.Variant))];
    }
}
