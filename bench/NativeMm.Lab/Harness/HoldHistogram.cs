using NativeMm.Primitives;

namespace NativeMm.Lab.Harness;

/// <summary>
/// What a lock tells when only its holds matter: the longest and any quantile. Lies inside the lock and is written by the lock's holder only.
/// </summary>
internal struct HoldHistogram : ILockStatistics
{
    private DurationHistogram _holds;
    private long _heldSince;

    /// <inheritdoc/>
    public static bool Enabled => true;

    /// <summary>The holds so far. Consistent under the lock or at rest.</summary>
    public readonly DurationHistogram Holds => _holds;

    /// <inheritdoc/>
    public void Acquired(long timestamp) => _heldSince = timestamp;

    /// <inheritdoc/>
    public void AcquiredAfterWait(long waitedFrom, long timestamp) => _heldSince = timestamp;

    /// <inheritdoc/>
    public void Releasing(long timestamp) => _holds.Add(timestamp - _heldSince);
}
