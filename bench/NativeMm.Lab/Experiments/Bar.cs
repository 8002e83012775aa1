namespace NativeMm.Lab.Experiments;

/// <summary>
/// One row of what must come out: a median, the ratio of two medians of one run, or the geometric mean of several such ratios, held against a
/// limit.
/// </summary>
internal sealed class Bar
{
    private Bar(string what, IReadOnlyList<BarFigure> figures, string metric, double limit, bool atMost)
    {
        What = what;
        Figures = figures;
        Metric = metric;
        Limit = limit;
        AtMost = atMost;
    }

    /// <summary>What the row says.</summary>
    public string What { get; }

    /// <summary>What is held against the limit: one figure, or those whose geometric mean it is.</summary>
    public IReadOnlyList<BarFigure> Figures { get; }

    /// <summary>Whether the figure is a ratio; otherwise it is in the unit of the metric.</summary>
    public bool IsRatio => Figures[0].Reference is not null;

    /// <summary>Name of the metric.</summary>
    public string Metric { get; }

    /// <summary>The limit.</summary>
    public double Limit { get; }

    /// <summary>Whether the figure may not be above the limit; otherwise it may not be below.</summary>
    public bool AtMost { get; }

    /// <summary>What is as good, where this row is missed; null for nothing.</summary>
    public Bar? Otherwise { get; private init; }

    /// <summary>The cases that must be measured for this row.</summary>
    public IEnumerable<Case> Cases => Figures.SelectMany(f => f.Cases).Concat(Otherwise?.Cases ?? []);

    /// <summary>The subject's median may be at most so many times the reference's.</summary>
    public static Bar AtMostTimes(double limit, Case subject, Case reference, string metric) =>
        new(Describe(subject, reference, metric), [new BarFigure(subject, reference)], metric, limit, atMost: true);

    /// <summary>The subject's median must be at least so many times the reference's.</summary>
    public static Bar AtLeastTimes(double limit, Case subject, Case reference, string metric) =>
        new(Describe(subject, reference, metric), [new BarFigure(subject, reference)], metric, limit, atMost: false);

    /// <summary>The subject's median may be at most this.</summary>
    public static Bar AtMostValue(double limit, Case subject, string metric) =>
        new(Describe(subject, null, metric), [new BarFigure(subject, null)], metric, limit, atMost: true);

    /// <summary>The subject's median must be at least this.</summary>
    public static Bar AtLeastValue(double limit, Case subject, string metric) =>
        new(Describe(subject, null, metric), [new BarFigure(subject, null)], metric, limit, atMost: false);

    /// <summary>The ratio of subject to reference must be at least this part of the same ratio of the ideal.</summary>
    /// <param name="limit">The limit.</param>
    /// <param name="ratio">Subject and reference.</param>
    /// <param name="ideal">Subject and reference of whoever does the least that must be done.</param>
    /// <param name="metric">Name of the metric.</param>
    public static Bar AtLeastOfIdeal(double limit, (Case Subject, Case Reference) ratio, (Case Subject, Case Reference) ideal, string metric) =>
        new(
            $"{Describe(ratio.Subject, ratio.Reference, metric)}, of the {ideal.Subject.Variant}'s",
            [new BarFigure(ratio.Subject, ratio.Reference) { Ideal = ideal }],
            metric,
            limit,
            atMost: false);

    /// <summary>The geometric mean of the ratios of subjects to references may be at most this.</summary>
    /// <param name="limit">The limit.</param>
    /// <param name="what">What the ratios are of, in a few words.</param>
    /// <param name="ratios">Subjects with their references, at least one.</param>
    /// <param name="metric">Name of the metric.</param>
    public static Bar GeometricMeanAtMost(double limit, string what, IReadOnlyList<(Case Subject, Case Reference)> ratios, string metric)
    {
        ArgumentOutOfRangeException.ThrowIfZero(ratios.Count);
        BarFigure[] figures = [.. ratios.Select(r => new BarFigure(r.Subject, r.Reference))];
        string against = $"{ratios[0].Subject.Variant} to {ratios[0].Reference.Variant}";
        return new Bar($"{what}, geometric mean of {ratios.Count}, {metric}: {against}", figures, metric, limit, atMost: true);
    }

    /// <summary>The same row, or another one in its place.</summary>
    public Bar Or(Bar other) => new(What, Figures, Metric, Limit, AtMost) { Otherwise = other };

    /// <summary>Whether a figure is good enough. Not a number never is.</summary>
    public bool IsMetBy(double figure) => AtMost ? figure <= Limit : figure >= Limit;

    private static string Describe(Case subject, Case? reference, string metric)
    {
        string threads = subject.Threads == reference?.Threads || reference is null
            ? Case.ThreadsText(subject.Threads)
            : $"{Case.ThreadsText(subject.Threads)} to {reference.Threads}";
        string against = reference is null || reference.Variant == subject.Variant ? subject.Variant : $"{subject.Variant} to {reference.Variant}";
        string than = reference is null || reference.Variant != subject.Variant || reference.Parameters.Equals(subject.Parameters)
            ? string.Empty
            : $" to {ValuesOf(reference)}";
        return $"{subject.Experiment} {ValuesOf(subject)}".TrimEnd() + $"{than}, {threads}, {metric}: {against}";
    }

    private static string ValuesOf(Case measured) => string.Join(' ', measured.Parameters.Pairs.Select(p => p.Value));
}
