namespace NativeMm.Diagnostics;

/// <summary>What a lock recorded up to a moment: one row of <c>/proc/lock_stat</c>.</summary>
public sealed record LockStatisticsSnapshot
{
    /// <summary>What the lock is called.</summary>
    public required string Name { get; init; }

    /// <summary>How often it was taken.</summary>
    public required long Acquisitions { get; init; }

    /// <summary>How often it was taken on another core than the time before.</summary>
    public required long AcquisitionBounces { get; init; }

    /// <summary>How often somebody had to wait for it.</summary>
    public required long Contentions { get; init; }

    /// <summary>How often the one who waited ran on another core than the holder before.</summary>
    public required long ContentionBounces { get; init; }

    /// <summary>How long was waited, over the contentions.</summary>
    public required LockTimesSnapshot Wait { get; init; }

    /// <summary>How long the lock was held, over the releases.</summary>
    public required LockTimesSnapshot Hold { get; init; }
}
