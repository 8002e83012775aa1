using System.Diagnostics;
using NativeMm.Primitives;

namespace NativeMm.Diagnostics;

/// <summary>
/// What one lock records: the columns of <c>/proc/lock_stat</c>. Unmanaged, lies inside the lock, is written only by the lock's holder.
/// </summary>
/// <remarks>
/// A bounce is an acquisition, or a wait, on another core than the acquisition before. The kernel looks at the core when the wait begins; here it is
/// seen when the wait ends, so a lock that changed cores in between may count differently.
/// </remarks>
internal struct LockStatistics : ILockStatistics
{
    private long _acquisitions;
    private long _acquisitionBounces;
    private long _contentions;
    private long _contentionBounces;
    private LockTimes _wait;
    private LockTimes _hold;
    private long _heldSince;

    // The core of the last holder + 1; 0 before the first.
    private int _lastCore;

    /// <inheritdoc/>
    public static bool Enabled => true;

    /// <inheritdoc/>
    public void Acquired(long timestamp) => Acquired(timestamp, CoreId.CurrentHint);

    /// <inheritdoc/>
    public void AcquiredAfterWait(long waitedFrom, long timestamp) => AcquiredAfterWait(waitedFrom, timestamp, CoreId.CurrentHint);

    /// <inheritdoc/>
    public void Releasing(long timestamp) => _hold.Add(timestamp - _heldSince);

    /// <summary>The figures so far. Consistent under the lock or at rest.</summary>
    /// <param name="name">What to call the lock.</param>
    public readonly LockStatisticsSnapshot Snapshot(string name) => Snapshot(name, Stopwatch.Frequency);

    internal readonly LockStatisticsSnapshot Snapshot(string name, long ticksPerSecond) => new()
    {
        Name = name,
        Acquisitions = _acquisitions,
        AcquisitionBounces = _acquisitionBounces,
        Contentions = _contentions,
        ContentionBounces = _contentionBounces,
        Wait = _wait.Snapshot(ticksPerSecond),
        Hold = _hold.Snapshot(ticksPerSecond),
    };

    internal void Acquired(long timestamp, CoreId core)
    {
        _acquisitions++;
        _heldSince = timestamp;
        if (_lastCore != core.Value + 1)
        {
            _acquisitionBounces += _lastCore == 0 ? 0 : 1;
            _lastCore = core.Value + 1;
        }
    }

    internal void AcquiredAfterWait(long waitedFrom, long timestamp, CoreId core)
    {
        _contentions++;
        _contentionBounces += _lastCore == 0 || _lastCore == core.Value + 1 ? 0 : 1;
        _wait.Add(timestamp - waitedFrom);
        Acquired(timestamp, core);
    }
}
