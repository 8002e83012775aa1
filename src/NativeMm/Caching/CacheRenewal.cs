using NativeMm.Diagnostics;
using NativeMm.Primitives;

namespace NativeMm.Caching;

/// <summary>The two sides of a deadline that slides: a lookup that renews it, and whoever moves the record meanwhile. The note is in CacheReaders.cs.</summary>
internal static unsafe class CacheRenewal
{
    /// <summary>Renews the deadline of a record that was found in a slot. For lookups.</summary>
    /// <param name="table">The index that the lookup found.</param>
    /// <param name="bucket">The record's bucket.</param>
    /// <param name="slot">Its slot there.</param>
    /// <param name="record">A record that slides.</param>
    /// <param name="now">The time.</param>
    /// <returns>False when the record may have been moved before that was seen: whoever moves copies the deadline, and looks once more behind it.</returns>
    public static bool TryRenew(CacheTable* table, CacheBucket* bucket, uint slot, byte* record, long now)
    {
        long renewed = CacheRecord.RenewedDeadline(record, now);
        ref long deadline = ref CacheRecord.DeadlineOf(record);
        long seen = Atomic.LoadAcquire(in deadline);
        while (seen < renewed)
        {
            if (Atomic.CompareExchange(ref deadline, seen, renewed))
            {
                // The exchange orders what comes before it and behind it, but not its own store before the load below.
                Atomic.FullFence(); // [V2] pairs with [V1]
                uint location = new CacheSlot(Atomic.LoadAcquire(in bucket->Words[slot])).Location;
                return location != 0 && CacheSegment.AddressOf(table->Segments, location) == record;
            }

            seen = Atomic.LoadAcquire(in deadline);
        }

        return true;
    }

    /// <summary>Takes a renewal that the old place got over to the new one, which is published. For the holder of the shard's lock.</summary>
    /// <param name="old">Where the record was.</param>
    /// <param name="moved">Where it is.</param>
    public static void Carry(byte* old, byte* moved)
    {
        Invariant.Assert(old != moved && CacheRecord.At(old).IsSliding && CacheRecord.At(moved).IsSliding, "A deadline is carried between records that do not slide, or to its own.");
        Atomic.FullFence(); // [V1] pairs with [V2]
        long renewed = Atomic.LoadAcquire(in CacheRecord.DeadlineOf(old));
        ref long deadline = ref CacheRecord.DeadlineOf(moved);
        long seen = Atomic.LoadAcquire(in deadline);
        while (seen < renewed && !Atomic.CompareExchange(ref deadline, seen, renewed))
        {
            seen = Atomic.LoadAcquire(in deadline);
        }
    }
}
