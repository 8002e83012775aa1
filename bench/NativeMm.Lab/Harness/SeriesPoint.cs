namespace NativeMm.Lab.Harness;

/// <summary>A point of a curve.</summary>
/// <param name="X">Usually seconds.</param>
/// <param name="Y">The value there.</param>
internal readonly record struct SeriesPoint(double X, double Y);
