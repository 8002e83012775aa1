using NativeMm.Lab.Experiments;
using NativeMm.Lab.Harness;

namespace NativeMm.Lab.Reporting;

/// <summary>One figure in two files of results.</summary>
/// <param name="Case">The case that both files have.</param>
/// <param name="Metric">Name of the metric.</param>
/// <param name="Unit">Its unit.</param>
/// <param name="Before">The figure in the first file.</param>
/// <param name="After">The figure in the second file.</param>
internal sealed record ResultChange(Case Case, string Metric, string Unit, Spread Before, Spread After)
{
    /// <summary>Second median by first median.</summary>
    public double Ratio => After.Median == Before.Median ? 1 : After.Median / Before.Median;

    /// <summary>Whether the two ranges have a value in common, in which case the ratio may be chance.</summary>
    public bool SpreadsOverlap => Before.Overlaps(After);

    /// <summary>Whether the second figure is worse by more than a part of the first one, and not by chance.</summary>
    /// <param name="part">0.05 for 5 %.</param>
    public bool IsWorseBy(double part) =>
        !SpreadsOverlap && Definition is not { IsExplanation: true } && (Definition is { LowerIsBetter: false } ? Ratio < 1 / (1 + part) : Ratio > 1 + part);

    /// <summary>What the two ranges say, in a word or two.</summary>
    public string Text =>
        SpreadsOverlap ? "overlap" : Definition is null or { IsExplanation: true } ? "apart" : IsWorseBy(0) ? "apart, worse" : "apart, better";

    private MetricDefinition? Definition => DefinitionOf(Case, Metric);

    /// <summary>Names what the first file has and the second one has not: a case, or one of its metrics.</summary>
    public static IReadOnlyList<string> Missing(IReadOnlyList<ResultRow> before, IReadOnlyList<ResultRow> after)
    {
        ILookup<Case, ResultChange> found = Between(before, after).ToLookup(change => change.Case);
        return
        [
            .. from row in before
               let there = found[row.Case].Select(change => change.Metric).ToArray()
               from missing in there.Length == 0
                   ? [row.Case.ToString()]
                   : row.Metrics.Where(metric => !there.Contains(metric.Name) && DefinitionOf(row.Case, metric.Name) is not { IsExplanation: true }).Select(metric => $"{metric.Name} of {row.Case}")
               select missing,
        ];
    }

    /// <summary>Finds what both files have.</summary>
    public static IReadOnlyList<ResultChange> Between(IReadOnlyList<ResultRow> before, IReadOnlyList<ResultRow> after)
    {
        var byCase = after.ToLookup(r => Named(r.Case));
        return
        [
            .. from row in before
               let others = byCase[Named(row.Case)].ToArray()
               where others.Length == 1
               from metric in row.Metrics
               let other = others[0].Metrics.FirstOrDefault(m => m.Name == metric.Name && m.Unit == metric.Unit)
               where other is not null
               select new ResultChange(row.Case, metric.Name, metric.Unit, metric.Spread, other.Spread),
        ];
    }

    private static MetricDefinition? DefinitionOf(Case measured, string metric) =>
        ExperimentRegistry.All.FirstOrDefault(e => e.Name == measured.Experiment)?.Metrics.FirstOrDefault(m => m.Name == metric);

    /// <summary>A case by the name of its file alone, where a parameter is a file: the same trace may lie elsewhere on another machine.</summary>
    private static Case Named(Case measured) => measured with
    {
        Parameters = new ParameterValues(measured.Parameters.Pairs.Select(p => KeyValuePair.Create(p.Key, Path.GetFileName(p.Value)))),
    };
}
