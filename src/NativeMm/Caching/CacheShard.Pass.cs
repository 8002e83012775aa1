using NativeMm.Diagnostics;

namespace NativeMm.Caching;

/// <content>Passes of the background, in steps between which the lock is free: what has expired, then segments of which much is free, then an index that is too large.</content>
internal sealed unsafe partial class CacheShard<TPolicy>
{
    private const uint PassShare = 16;
    private const uint StepBuckets = 256;

    // One in so many of the entries that may expire has expired: the pass looks at more of them.
    private const uint ExpiredShare = 8;

    // So much of the memory may be free: a little where nothing is evicted, more where room is needed, and used again, all the time.
    private const int FreeShareAtRest = 16;
    private const int FreeShareUnderLoad = 4;
    private const int SparsePassesMax = 4;

    private long _evictionsBefore;
    private int _freeShare = FreeShareAtRest;
    private int _sparsePasses;
    private long _movedUnits;

    /// <summary>Begins a pass.</summary>
    public CachePass BeginPass()
    {
        Invariant.Assert(Lock.IsHeldByCurrentThread && Evictions >= _evictionsBefore, $"A pass begins without the lock, or after {Evictions} evictions, of which there were {_evictionsBefore}.");
        _freeShare = Evictions == _evictionsBefore ? FreeShareAtRest : FreeShareUnderLoad;
        _evictionsBefore = Evictions;
        return new CachePass
        {
            LooksMax = uint.Min(_table->BucketCount, uint.Max(SweepBuckets, _table->BucketCount / PassShare)),
            Expiring = _expiring,
            Units = long.Max(1, Space.PackedCount / PassShare) * Space.SegmentUnits,
        };
    }

    /// <summary>A step of a pass.</summary>
    /// <returns>Whether there is more to do.</returns>
    public bool Step(ref CachePass pass)
    {
        Invariant.Assert(Lock.IsHeldByCurrentThread && pass.Looked <= pass.LooksMax, $"A pass looked at {pass.Looked} buckets of {pass.LooksMax}, or goes on without the lock.");
        if (_expiring != 0 && pass.Looked < pass.LooksMax)
        {
            uint buckets = uint.Min(StepBuckets, pass.LooksMax - pass.Looked);
            pass.Gone += Sweep(buckets);
            pass.Looked += buckets;

            // Slots that became free take nothing yet: what is in front of the pass would get behind it.
            Settle();
            if (pass.Looked == pass.LooksMax && pass.Gone * ExpiredShare * _table->BucketCount >= pass.Expiring * pass.Looked)
            {
                // Hashes spread what expires evenly: what holds for a part of the index holds for the rest.
                pass.LooksMax = uint.Min(_table->BucketCount, pass.Looked + (_table->BucketCount / PassShare) + 1);
            }

            return true;
        }

        Settle();
        int kept = _freeShare == FreeShareAtRest ? 0 : 1;
        Space.ReleaseEmpty(kept);
        if (pass.Units > 0 && Space.FreeUnits >= (1 + kept) * FreeUnitsToEmpty
            && Space.FreeUnits > Space.PackedCount * (long)Space.SegmentUnits / _freeShare)
        {
            long before = _movedUnits;
            bool emptied = TryEmpty(mayEvict: false);
            pass.Units -= _movedUnits - before;
            Space.ReleaseEmpty(kept);
            if (emptied)
            {
                return true;
            }
        }

        _sparsePasses = FewerBuckets == 0 ? 0 : _sparsePasses + 1;
        pass.IsSparse = _sparsePasses >= SparsePassesMax;
        return false;
    }
}
