namespace NativeMm.Lab.Experiments;

/// <summary>
/// One row of what must come out: a median, or the ratio of two medians of one run, held against a limit.
/// </summary>
internal sealed class Bar
{
    private Bar(string what, Case subject, Case? reference, string metric, double limit, bool atMost)
    {
        What = what;
        Subject = subject;
        Reference = reference;
        Metric = metric;
        Limit = limit;
        AtMost = atMost;
    }

    /// <summary>What the row says.</summary>
    public string What { get; }

    /// <summary>Whose figure it is.</summary>
    public Case Subject { get; }

    /// <summary>What the figure is divided by; null when the figure stands alone.</summary>
    public Case? Reference { get; }

    /// <summary>Name of the metric.</summary>
    public string Metric { get; }

    /// <summary>The limit.</summary>
    public double Limit { get; }

    /// <summary>Whether the figure may not be above the limit; otherwise it may not be below.</summary>
    public bool AtMost { get; }

    /// <summary>The cases that must be measured for this row.</summary>
    public IEnumerable<Case> Cases => Reference is null ? [Subject] : [Subject, Reference];

    /// <summary>The subject's median may be at most so many times the reference's.</summary>
    public static Bar AtMostTimes(double limit, Case subject, Case reference, string metric) =>
        new(Describe(subject, reference, metric), subject, reference, metric, limit, atMost: true);

    /// <summary>The subject's median must be at least so many times the reference's.</summary>
    public static Bar AtLeastTimes(double limit, Case subject, Case reference, string metric) =>
        new(Describe(subject, reference, metric), subject, reference, metric, limit, atMost: false);

    /// <summary>The subject's median may be at most this.</summary>
    public static Bar AtMostValue(double limit, Case subject, string metric) =>
        new(Describe(subject, null, metric), subject, null, metric, limit, atMost: true);

    /// <summary>Whether a figure is good enough. Not a number never is.</summary>
    public bool IsMetBy(double figure) => AtMost ? figure <= Limit : figure >= Limit;

    private static string Describe(Case subject, Case? reference, string metric)
    {
        string parameters = string.Join(' ', subject.Parameters.Pairs.Select(p => p.Value));
        string where = parameters.Length == 0 ? subject.Experiment : $"{subject.Experiment} {parameters}";
        string threads = subject.Threads == reference?.Threads || reference is null
            ? Case.ThreadsText(subject.Threads)
            : $"{Case.ThreadsText(subject.Threads)} to {reference.Threads}";
        string against = reference is null || reference.Variant == subject.Variant ? subject.Variant : $"{subject.Variant} to {reference.Variant}";
        return $"{where}, {threads}, {metric}: {against}";
    }
}
