using NativeMm.Lab.Experiments;

namespace NativeMm.Lab.Harness;

/// <summary>Everything that is known of one case.</summary>
/// <param name="Case">The case.</param>
/// <param name="Metrics">Its figures, in the experiment's order.</param>
/// <param name="Launches">How many launches they are from; 0 when the row was read from a file, which does not say.</param>
/// <param name="Series">Curves of the first launch.</param>
internal sealed record ResultRow(
    Case Case,
    IReadOnlyList<MetricResult> Metrics,
    int Launches,
    IReadOnlyDictionary<string, IReadOnlyList<SeriesPoint>> Series)
{
    /// <summary>The spread of a metric, or null when the case has none of that name.</summary>
    public Spread? Find(string metric) => Metrics.FirstOrDefault(m => m.Name == metric)?.Spread;
}
