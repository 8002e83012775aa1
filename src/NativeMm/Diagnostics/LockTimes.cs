namespace NativeMm.Diagnostics;

/// <summary>Sums up durations in clock ticks.</summary>
internal struct LockTimes
{
    private const double NanosecondsPerSecond = 1e9;
    private long _count;
    private long _minimum;
    private long _maximum;
    private long _total;

    /// <summary>Adds one duration. A clock that went backwards counts as no time.</summary>
    public void Add(long ticks)
    {
        ticks = long.Max(ticks, 0);
        _minimum = _count == 0 ? ticks : long.Min(_minimum, ticks);
        _maximum = long.Max(_maximum, ticks);
        _total += ticks;
        _count++;
    }

    /// <summary>The sums in nanoseconds.</summary>
    public readonly LockTimesSnapshot Snapshot(long ticksPerSecond)
    {
        double scale = NanosecondsPerSecond / ticksPerSecond;
        return new LockTimesSnapshot(_count, _minimum * scale, _maximum * scale, _total * scale);
    }
}
