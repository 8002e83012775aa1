// Purpose      how long purges take: from the moment when the freed ranges leave their set until the last of them is free space again.
// Ownership    _detachedAt | whoever detaches, one at a time | release store. _longest, _purges | anybody | CAS loop, atomic add.
// Ordering     [C1] the release in Detached pairs with [C2], the acquire in GivenBack: a helper that gives back what was detached reads the
//              moment of that purge, since the pieces reached it through the purge's own synchronization.
// Progress     lock-free.

using System.Diagnostics;
using NativeMm.Primitives;

namespace NativeMm.Lab.Experiments.Vmalloc;

/// <summary>Takes the time of purges. Thread-safe.</summary>
internal sealed class PurgeClock
{
    private long _detachedAt;
    private ulong _longest;
    private long _purges;

    /// <summary>Purges that found something.</summary>
    public long Purges => Atomic.LoadAcquire(ref _purges);

    /// <summary>Nanoseconds of the longest purge.</summary>
    public double LongestNanoseconds => Atomic.LoadAcquire(ref _longest) * (1e9 / Stopwatch.Frequency);

    /// <summary>A purge has begun.</summary>
    /// <param name="timestamp">When, in clock ticks.</param>
    public void Detached(long timestamp)
    {
        Atomic.Add(ref _purges, 1);
        Atomic.StoreRelease(ref _detachedAt, timestamp); // [C1] pairs with [C2]
    }

    /// <summary>Ranges of the current purge are free space again.</summary>
    /// <param name="timestamp">When, in clock ticks.</param>
    public void GivenBack(long timestamp)
    {
        ulong taken = (ulong)long.Max(0, timestamp - Atomic.LoadAcquire(ref _detachedAt)); // [C2] pairs with [C1]
        ulong longest = Atomic.LoadAcquire(ref _longest);
        while (taken > longest && !Atomic.CompareExchange(ref _longest, longest, taken))
        {
            longest = Atomic.LoadAcquire(ref _longest);
        }
    }

    /// <summary>Begins anew. Call it at rest.</summary>
    public void Reset() => (_detachedAt, _longest, _purges) = (Stopwatch.GetTimestamp(), 0, 0);
}
