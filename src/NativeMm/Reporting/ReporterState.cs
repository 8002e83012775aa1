namespace NativeMm.Reporting;

/// <summary>What a <see cref="PageReporter"/> is about to do.</summary>
public enum ReporterState
{
    /// <summary>Nothing: there is no device, or little to report.</summary>
    Idle,

    /// <summary>There is enough to report; it waits for the delay to pass.</summary>
    Requested,

    /// <summary>It makes a pass every interval, until nothing is left.</summary>
    Active,
}
