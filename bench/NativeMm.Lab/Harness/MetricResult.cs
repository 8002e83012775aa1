namespace NativeMm.Lab.Harness;

/// <summary>A figure of one case over all its launches.</summary>
/// <param name="Name">Name of the metric.</param>
/// <param name="Unit">Its unit.</param>
/// <param name="Spread">Smallest, median and largest.</param>
internal sealed record MetricResult(string Name, string Unit, Spread Spread);
