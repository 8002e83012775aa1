using NativeMm.Diagnostics;
using NativeMm.Lab.Harness;

namespace NativeMm.Lab.Experiments;

/// <summary>
/// The account that a lock keeps of itself, as metrics: what <c>/proc/lock_stat</c> tells. Where a structure has several locks, their sum.
/// </summary>
internal static class LockMetrics
{
    /// <summary>The metrics.</summary>
    public static IReadOnlyList<MetricDefinition> Definitions { get; } =
    [
        new("lock_acquisitions", "1", "times that the lock was taken"),
        new("lock_acquisition_bounces", "1", "times that it was taken on another core than before"),
        new("lock_contentions", "1", "times that somebody had to wait for it"),
        new("lock_contention_bounces", "1", "times that the one who waited ran on another core than the holder before"),
        new("lock_wait_min", "ns", "shortest wait"),
        new("lock_wait_max", "ns", "longest wait"),
        new("lock_wait_total", "ns", "all waits"),
        new("lock_wait_avg", "ns", "mean wait"),
        new("lock_hold_min", "ns", "shortest hold"),
        new("lock_hold_max", "ns", "longest hold"),
        new("lock_hold_total", "ns", "all holds"),
        new("lock_hold_avg", "ns", "mean hold"),
    ];

    /// <summary>Adds a lock's account to a measurement.</summary>
    public static void AddTo(Measurement measurement, LockStatisticsSnapshot account)
    {
        measurement
            .Add("lock_acquisitions", account.Acquisitions)
            .Add("lock_acquisition_bounces", account.AcquisitionBounces)
            .Add("lock_contentions", account.Contentions)
            .Add("lock_contention_bounces", account.ContentionBounces);
        AddTimes(measurement, "lock_wait", account.Wait);
        AddTimes(measurement, "lock_hold", account.Hold);
    }

    private static void AddTimes(Measurement measurement, string prefix, LockTimesSnapshot times)
    {
        measurement
            .Add(prefix + "_min", times.Minimum)
            .Add(prefix + "_max", times.Maximum)
            .Add(prefix + "_total", times.Total)
            .Add(prefix + "_avg", times.Average);
    }
}
