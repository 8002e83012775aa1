namespace NativeMm.Lab.Experiments;

/// <summary>A figure that an experiment produces.</summary>
/// <param name="Name">Name in JSON.</param>
/// <param name="Unit">Unit in JSON: <c>ns</c>, <c>By</c>, <c>By/s</c>, <c>1/s</c>, <c>s</c>, <c>%</c> or <c>1</c> for counts.</param>
/// <param name="Summary">What it means.</param>
/// <param name="IsHeadline">Whether the terminal shows it as a table of its own.</param>
/// <param name="LowerIsBetter">The direction in which the figure gets better.</param>
/// <param name="IsExplanation">Whether it only explains others: it is neither better nor worse than another one, and may be missing.</param>
internal sealed record MetricDefinition(
    string Name, string Unit, string Summary, bool IsHeadline = false, bool LowerIsBetter = true, bool IsExplanation = false);
