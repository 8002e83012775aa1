namespace NativeMm.Lab.Experiments.Zsmalloc;

/// <summary>Reads are not timed.</summary>
internal readonly struct ReadClockOff : IReadClock
{
    /// <inheritdoc/>
    public static bool IsOn => false;
}
