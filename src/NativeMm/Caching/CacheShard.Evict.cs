using NativeMm.AddressSpaces;
using NativeMm.Diagnostics;
using NativeMm.Primitives;

namespace NativeMm.Caching;

/// <content>Making room: what has expired, then what the policy says, then moving together what is scattered.</content>
internal sealed unsafe partial class CacheShard<TPolicy>
{
    private const int VictimsMax = 32;
    private const uint VictimsShare = 16;
    private const uint SweepBuckets = 32;

    /// <summary>So much must be free before records are moved: a segment and a quarter, so that one comes out of it with something left.</summary>
    private long FreeUnitsToEmpty => Space.SegmentUnits + (Space.SegmentUnits / 4);

    /// <summary>Evicts a step, and gives back what that makes free.</summary>
    /// <returns>Whether another step may give more.</returns>
    public bool GiveBack()
    {
        Invariant.Assert(Lock.IsHeldByCurrentThread, "A shard gives back without its lock.");
        Settle();
        if (Space.ReleaseEmpty(0) != 0)
        {
            return true;
        }

        int gone = Evict();
        Mend();
        if (Space.FreeUnits >= FreeUnitsToEmpty)
        {
            TryEmpty(mayEvict: true);
        }

        Space.ReleaseEmpty(0);
        return gone != 0;
    }

    /// <summary>Evicts one batch: for an index that is full and cannot grow.</summary>
    /// <returns>Whether any entry left.</returns>
    public bool EvictSome()
    {
        int gone = Evict();
        Mend();
        return gone != 0;
    }

    /// <summary>Removes what has expired, evicts a share of the rest, and gives back what is free.</summary>
    public void Trim(double share)
    {
        Invariant.Assert(Lock.IsHeldByCurrentThread && share is >= 0 and <= 1, $"A share of {share} is evicted, or without the lock.");
        Sweep(_table->BucketCount);
        uint left = _count - (uint)(share * _count);
        while (_count > left && Evict() != 0)
        {
        }

        Mend();
        Space.ReleaseEmpty(0);
        while (Space.FreeUnits >= FreeUnitsToEmpty && TryEmpty(mayEvict: false) && Space.ReleaseEmpty(0) != 0)
        {
        }
    }

    /// <summary>Makes a block free that is long enough.</summary>
    private bool MakeRoom(uint units, out uint location, out uint granted)
    {
        if (_limboCount >= VictimsMax)
        {
            Settle();
            if (Space.TryAlloc(units, out location, out granted))
            {
                return true;
            }
        }

        for (int inVain = 0; inVain < 2;)
        {
            if (Space.TryAddSegment() && Space.TryAlloc(units, out location, out granted))
            {
                return true;
            }

            inVain += Evict() == 0 ? 1 : 0;
            Mend();
            if (Space.TryAlloc(units, out location, out granted)
                || (Space.FreeUnits >= FreeUnitsToEmpty && TryEmpty(mayEvict: true) && Space.TryAlloc(units, out location, out granted)))
            {
                return true;
            }
        }

        location = 0;
        granted = 0;
        return false;
    }

    /// <summary>Evicts a batch.</summary>
    /// <returns>How many entries left.</returns>
    private int Evict()
    {
        int gone = Sweep(uint.Min(SweepBuckets, _table->BucketCount));
        if (_evictable == 0)
        {
            return gone != 0 ? gone : SweepOn();
        }

        if (gone >= VictimsMax / 2)
        {
            return gone;
        }

        uint batch = uint.Clamp(_evictable / VictimsShare, 1, VictimsMax);
        Span<uint> victims = stackalloc uint[VictimsMax];
        _policy.Resize(uint.Max(1, _evictable - batch));
        var probe = new CacheProbe(_table);
        int chosen = _policy.Select(ref probe, victims[..(int)batch]);
        Invariant.Assert(chosen <= _evictable, $"The policy chose {chosen} of {_evictable} entries.");
        foreach (uint item in victims[..chosen])
        {
            uint number = CacheTable.SlotOf(_table, item);
            var slot = new CacheSlot(CacheTable.WordAt(_table, number));
            Invariant.Assert(slot.Word != 0 && slot.Priority != CachePriority.NeverRemove, $"The policy chose slot {number}, which has no entry, or one that must stay.");
            _history.Put(_hash.Of(CacheRecord.KeyOf(Space.AddressOf(slot.Location))), _policy.Evicted(item));
            _evictable--;
            Detach(number, slot, CacheEvictionReason.Capacity);
        }

        return gone + chosen;
    }

    /// <summary>
    /// Removes what has expired, where all else must stay: looks on until it finds some, once around at most. It remembers when the first entry can expire that it
    /// left, so that a full shard does not go around for each entry that it refuses.
    /// </summary>
    private int SweepOn()
    {
        if (Now < _firstDeadline)
        {
            return 0;
        }

        _firstDeadline = CacheTimes.Never;
        for (uint looked = 0; looked < _table->BucketCount; looked += SweepBuckets)
        {
            int gone = Sweep(uint.Min(SweepBuckets, _table->BucketCount));
            if (gone != 0)
            {
                // The others were not looked at, and the clock may go back behind what it says now.
                _firstDeadline = long.MinValue;
                return gone;
            }
        }

        return 0;
    }

    /// <summary>Removes what has expired in the next buckets, in the order in which the policy goes.</summary>
    private int Sweep(uint buckets)
    {
        if (_expiring == 0)
        {
            return 0;
        }

        int gone = 0;
        for (; buckets > 0; buckets--)
        {
            _sweep = _sweep + 1 < _table->BucketCount ? _sweep + 1 : 0;
            uint first = CacheTable.SlotOf(_table, _sweep * CacheBucket.Slots);
            for (uint number = first; number < first + CacheBucket.Slots; number++)
            {
                var slot = new CacheSlot(CacheTable.WordAt(_table, number));
                if (!slot.Expires)
                {
                    continue;
                }

                Invariant.Assert(CacheRecord.At(Space.AddressOf(slot.Location)).HasDeadline, $"The entry of slot {number} may expire, and its record has no deadline.");
                long deadline = Atomic.LoadAcquire(in CacheRecord.DeadlineOf(Space.AddressOf(slot.Location)));
                if (deadline <= Now)
                {
                    Unlink(number, CacheEvictionReason.Expired);
                    gone++;
                }
                else
                {
                    _firstDeadline = long.Min(_firstDeadline, deadline);
                }
            }
        }

        return gone;
    }

    /// <summary>Moves the records of the sparsest segment elsewhere.</summary>
    /// <param name="mayEvict">Whether those that find no place are evicted, if they may be; else they stay where they are.</param>
    /// <returns>Whether there was such a segment, and it was not left for want of places.</returns>
    private bool TryEmpty(bool mayEvict)
    {
        Span<ulong> words = stackalloc ulong[Hazards.Capacity];
        Hazards leases = _readers.Await(words);
        Free(leases);
        uint number = Space.Sparsest(_readers, leases);
        if (number == 0)
        {
            return false;
        }

        Space.BeginEmptying(number);
        bool allMoved = true;
        uint cursor = CacheSegment.LocationOf(number, 0);
        while (Space.NextBlock(number, ref cursor, out uint block, out CacheRecord head))
        {
            if (!head.IsFree)
            {
                allMoved &= TryMove(block, mayEvict);
            }
        }

        Settle();
        Invariant.Assert(Lock.IsHeldByCurrentThread, "The lock was given up while a segment was emptied.");
        Space.EndEmptying(number);
        return allMoved;
    }

    /// <summary>Moves a record. What the segment held that waited for its readers is gone: whatever else is in it is an entry's.</summary>
    /// <returns>False when it found no place, and stays.</returns>
    private bool TryMove(uint from, bool mayEvict)
    {
        byte* old = Space.AddressOf(from);
        Invariant.Assert(!CacheRecord.At(old).IsFree && !CacheRecord.At(old).IsJumbo, $"A record is moved whose head says {CacheRecord.At(old).Word:x}.");
        ReadOnlySpan<byte> key = CacheRecord.KeyOf(old);
        uint number = CacheTable.Find(_table, _hash.Of(key), key, out byte* found);
        if (found != old)
        {
            // Retired while the segment was being emptied.
            return true;
        }

        if (!Space.TryAlloc(CacheRecord.UnitsNeeded(old), out uint to, out uint granted))
        {
            bool goes = mayEvict && new CacheSlot(CacheTable.WordAt(_table, number)).Priority != CachePriority.NeverRemove;
            if (goes)
            {
                Unlink(number, CacheEvictionReason.Capacity);
            }

            return goes;
        }

        _movedUnits += granted;
        byte* moved = Space.AddressOf(to);
        Invariant.Assert(CacheSegment.NumberOf(to) != CacheSegment.NumberOf(from), $"A record is moved within segment {CacheSegment.NumberOf(to)}, which is emptied.");
        CacheRecord.Copy(old, moved, granted);
        Invariant.Assert(CacheRecord.HasKey(moved, key), "A record has another key at its new place.");
        ref ulong word = ref CacheTable.WordAt(_table, number);
        Atomic.StoreRelease(ref word, new CacheSlot(word).At(to).Word); // [K2] pairs with [K1]
        if (CacheRecord.At(old).IsSliding)
        {
            CacheRenewal.Carry(old, moved);
        }

        Retire(from);
        return true;
    }
}
