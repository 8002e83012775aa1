using System.Globalization;
using NativeMm.Lab.Harness;

namespace NativeMm.Lab.Experiments;

/// <summary>What became of a bar in one run.</summary>
/// <param name="Bar">The bar.</param>
/// <param name="Figure">The median, the ratio of medians or the mean of ratios; null when it could not be measured.</param>
/// <param name="Obstacle">Why it could not be measured, or null.</param>
internal sealed record BarVerdict(Bar Bar, double? Figure, string? Obstacle)
{
    /// <summary>Whether the bar was held against a figure and the figure was good enough. What was not measured is not met.</summary>
    public bool IsMet => Otherwise is not null || (Figure is { } figure && Bar.IsMetBy(figure));

    /// <summary>What met the other row that is as good, where this one was missed; null otherwise.</summary>
    public double? Otherwise { get; private init; }

    /// <summary>The verdict in a word or two.</summary>
    public string Text => Otherwise is { } figure
        ? string.Create(CultureInfo.InvariantCulture, $"met by {Bar.Otherwise!.What}: {figure:0.###}")
        : Figure is null ? $"not measured: {Obstacle}" : IsMet ? "met" : "missed";

    /// <summary>Holds what was measured against a bar, and what is as good where that is missed.</summary>
    public static BarVerdict Of(Bar bar, RunOutcome outcome)
    {
        BarVerdict verdict = OfRow(bar, outcome);
        return !verdict.IsMet && bar.Otherwise is { } other && OfRow(other, outcome) is { IsMet: true, Figure: { } figure } ? verdict with { Otherwise = figure } : verdict;
    }

    private static BarVerdict OfRow(Bar bar, RunOutcome outcome)
    {
        string? obstacle = bar.Figures.SelectMany(f => f.Cases).Select(c => ObstacleTo(c, bar.Metric, outcome)).FirstOrDefault(o => o is not null);
        if (obstacle is not null)
        {
            return new BarVerdict(bar, null, obstacle);
        }

        double[] figures = [.. bar.Figures.Select(f => FigureOf(f, bar.Metric, outcome))];
        return new BarVerdict(bar, figures.Length == 1 ? figures[0] : GeometricMean(figures), null);
    }

    /// <summary>Cores that the process may run on. Threads that share a single one measure the scheduler, so no bar is held against them.</summary>
    private static int UsableCores { get; } = Platform.MachineTopology.Read().CoresAllowed.Count;

    private static double GeometricMean(double[] figures) => Math.Exp(figures.Sum(Math.Log) / figures.Length);

    private static double FigureOf(BarFigure figure, string metric, RunOutcome outcome)
    {
        double subject = MedianOf(figure.Subject, metric, outcome);
        double ratio = figure.Reference is { } reference ? subject / MedianOf(reference, metric, outcome) : subject;
        return figure.Ideal is { } ideal ? ratio / (MedianOf(ideal.Subject, metric, outcome) / MedianOf(ideal.Reference, metric, outcome)) : ratio;
    }

    private static string? ObstacleTo(Case wanted, string metric, RunOutcome outcome)
    {
        if (outcome.Failures.TryGetValue(wanted, out string? failure))
        {
            return $"{wanted.Variant} failed ({failure})";
        }

        if (wanted.Threads > 1 && UsableCores == 1)
        {
            return $"{wanted.Threads} threads, and one usable core";
        }

        Variant variant = ExperimentRegistry.Get(wanted.Experiment).Variants.First(v => v.Name == wanted.Variant);
        return variant.Missing ?? (outcome.Find(wanted)?.Find(metric) is not null ? null : outcome.IsInterrupted ? "interrupted" : $"{wanted.Variant} gave no {metric}");
    }

    private static double MedianOf(Case measured, string metric, RunOutcome outcome) => outcome.Find(measured)!.Find(metric)!.Value.Median;
}
