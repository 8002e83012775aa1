// Purpose      one word of bytes that never passes the limit: what is charged is charged before it is allocated.
// States       _used: 0 to the limit.
// Transitions  + n by CAS of what was seen, only where the sum is within the limit [B1]; − n by a locked add, by whoever was charged, once the memory is gone [B2].
// Ownership    the word | anybody | acquire; locked operations | none
// Ordering     one word: the order of the operations on it is all that counts. Memory that goes from one to another is handed over by its allocator.
// Reuse        a value that comes again means the same.
// Progress     lock-free: a charge tries again only because another one, or a release, came between.

using NativeMm.Diagnostics;
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
            Invariant.Assert(bytes >= 0 && used >= 0 && used <= limit, $"{bytes} bytes are to be charged, beside {used} of {limit}.");
            if (bytes > limit - used)
            {
                return false;
            }

            if (Atomic.CompareExchange(ref _used.Value, (ulong)used, (ulong)(used + bytes))) // [B1]
            {
                return true;
            }
        }
    }

    /// <summary>Gives bytes back.</summary>
    public void Release(long bytes)
    {
        Invariant.Assert(bytes >= 0 && bytes <= Used, $"{bytes} bytes are given back, of {Used} that are charged.");
        Atomic.Add(ref _used.Value, (ulong)-bytes); // [B2]
    }
}
