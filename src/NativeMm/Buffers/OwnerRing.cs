namespace NativeMm.Buffers;

/// <summary>
/// Idle owners of one thread. An owner rests: it can be rented again only when so many others came in after it, so that a second Dispose or a late use
/// soon after the first meets an idle owner and throws. Only its thread uses it.
/// </summary>
internal sealed class OwnerRing
{
    /// <summary>Others that come in before an owner has rested.</summary>
    public const int RestingMin = OwnerStand.RestingMin;

    private readonly PooledBuffer?[] _resting = new PooledBuffer?[RestingMin];
    private readonly PooledBuffer?[] _rested = new PooledBuffer?[64];
    private int _next;
    private int _restedCount;

    /// <summary>An owner that has rested, or null.</summary>
    public PooledBuffer? TryTake()
    {
        int last = _restedCount - 1;
        PooledBuffer?[] rested = _rested;
        if ((uint)last >= (uint)rested.Length)
        {
            return null;
        }

        PooledBuffer? owner = rested[last];

        // Or else a forgotten rent would never be found.
        rested[last] = null;
        _restedCount = last;
        return owner;
    }

    /// <summary>Puts an owner to rest, if there is room.</summary>
    public bool TryPut(PooledBuffer owner)
    {
        PooledBuffer?[] resting = _resting;
        int next = _next & (RestingMin - 1);
        if (resting[next] is { } oldest)
        {
            if (_restedCount == _rested.Length)
            {
                return false;
            }

            _rested[_restedCount++] = oldest;
        }

        resting[next] = owner;
        _next = next + 1;
        return true;
    }
}
