namespace NativeMm.Lab.Experiments;

/// <summary>A median, the ratio of two medians, or the ratio of such a ratio to an ideal one, that a bar looks at.</summary>
/// <param name="Subject">Whose figure it is.</param>
/// <param name="Reference">What the figure is divided by; null when the figure stands alone.</param>
internal readonly record struct BarFigure(Case Subject, Case? Reference)
{
    /// <summary>Subject and reference whose ratio this ratio is divided by, or null.</summary>
    public (Case Subject, Case Reference)? Ideal { get; init; }

    /// <summary>The cases that must be measured for it.</summary>
    public IEnumerable<Case> Cases =>
    [
        Subject,
        .. Reference is null ? (Case[])[] : [Reference],
        .. Ideal is { } ideal ? (Case[])[ideal.Subject, ideal.Reference] : [],
    ];
}
