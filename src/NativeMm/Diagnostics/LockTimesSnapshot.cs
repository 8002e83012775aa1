namespace NativeMm.Diagnostics;

/// <summary>Durations of one kind, in nanoseconds.</summary>
/// <param name="Count">How many.</param>
/// <param name="Minimum">The shortest, 0 without any.</param>
/// <param name="Maximum">The longest.</param>
/// <param name="Total">Their sum.</param>
public sealed record LockTimesSnapshot(long Count, double Minimum, double Maximum, double Total)
{
    /// <summary>The mean, 0 without any.</summary>
    public double Average => Count == 0 ? 0 : Total / Count;
}
