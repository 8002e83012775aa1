using NativeMm.Primitives;

namespace NativeMm.Caching;

/// <summary>The bytes of one cache, charged before they are allocated, so that the limit is never passed. Thread-safe.</summary>
/// <param name="limit">Most bytes.</param>
internal sealed class CacheBudget(long limit)
{
    private PaddedWord _used;

    /// <summary>Most bytes.</summary>
    public long Limit => limit;

    /// <summary>Bytes charged now.</summary>
    public long Used => (long)Atomic.LoadAcquire(in _used.Value);

    /// <summary>Charges bytes if the limit holds with them.</summary>
    public bool TryCharge(long bytes)
    {
        while (true)
        {
            long used = Used;
            if (bytes > limit - used)
            {
                return false;
            }

            if (Atomic.CompareExchange(ref _used.Value, (ulong)used, (ulong)(used + bytes)))
            {
                return true;
            }
        }
    }

    /// <summary>Gives bytes back.</summary>
    public void Release(long bytes) => Atomic.Add(ref _used.Value, (ulong)-bytes);
}
