namespace NativeMm.Service;

/// <summary>What both processes draw over time by: the worst of each interval.</summary>
internal static class TimeCurve
{
    /// <summary>An interval.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(0.25);
}
