namespace NativeMm.Lab.Experiments;

/// <summary>A median, or the ratio of two medians, that a bar looks at.</summary>
/// <param name="Subject">Whose figure it is.</param>
/// <param name="Reference">What the figure is divided by; null when the figure stands alone.</param>
internal readonly record struct BarFigure(Case Subject, Case? Reference)
{
    /// <summary>The cases that must be measured for it.</summary>
    public IEnumerable<Case> Cases => Reference is null ? [Subject] : [Subject, Reference];
}
