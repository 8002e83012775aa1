using NativeMm.Diagnostics;

namespace NativeMm.Zsmalloc;

/// <summary>Adds the rows of many locks up to one.</summary>
internal static class LockStatisticsSum
{
    /// <summary>Counts and totals added, minima and maxima over all that have any.</summary>
    public static LockStatisticsSnapshot Of(string name, IReadOnlyList<LockStatisticsSnapshot> rows) => new()
    {
        Name = name,
        Acquisitions = rows.Sum(row => row.Acquisitions),
        AcquisitionBounces = rows.Sum(row => row.AcquisitionBounces),
        Contentions = rows.Sum(row => row.Contentions),
        ContentionBounces = rows.Sum(row => row.ContentionBounces),
        Wait = Of(rows.Select(row => row.Wait)),
        Hold = Of(rows.Select(row => row.Hold)),
    };

    private static LockTimesSnapshot Of(IEnumerable<LockTimesSnapshot> times)
    {
        LockTimesSnapshot[] some = [.. times.Where(time => time.Count != 0)];
        return some.Length == 0
            ? new LockTimesSnapshot(0, 0, 0, 0)
            : new LockTimesSnapshot(
                some.Sum(time => time.Count), some.Min(time => time.Minimum), some.Max(time => time.Maximum), some.Sum(time => time.Total));
    }
}
