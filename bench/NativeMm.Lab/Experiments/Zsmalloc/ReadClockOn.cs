namespace NativeMm.Lab.Experiments.Zsmalloc;

/// <summary>Every read is timed.</summary>
internal readonly struct ReadClockOn : IReadClock
{
    /// <inheritdoc/>
    public static bool IsOn => true;
}
