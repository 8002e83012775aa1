namespace NativeMm.Lab.Harness;

/// <summary>How to measure, whatever is measured.</summary>
/// <param name="Seconds">Seconds of measuring in each launch, after warming up.</param>
/// <param name="Repeat">Launches of each case; null for as many as its experiment wants.</param>
/// <param name="Quick">Whether memory experiments run in their smaller form.</param>
/// <param name="Pin">Whether threads are pinned to cores.</param>
internal sealed record RunSettings(double Seconds, int? Repeat, bool Quick, bool Pin)
{
    /// <summary>Launches when nothing is said.</summary>
    public const int RepeatDefault = 5;

    /// <summary>Seconds of measuring when nothing is said.</summary>
    public const double SecondsDefault = 0.5;

    /// <summary>Seconds of measuring in the quick form.</summary>
    public const double SecondsQuick = 0.1;
}
