using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using NativeMm.Diagnostics;
using NativeMm.Eviction;
using NativeMm.Primitives;

namespace NativeMm.Caching;

/// <summary>
/// The index of a shard: this head, the buckets, the words of the replacement policy, the history of what was evicted. One block, replaced as a whole by a larger one.
/// </summary>
[StructLayout(LayoutKind.Explicit, Size = CacheLine.Bytes)]
internal unsafe struct CacheTable
{
    /// <summary>Buckets of the first table.</summary>
    public const uint BucketsMin = 16;

    /// <summary>Most buckets: the tag tells that many apart.</summary>
    public const uint BucketsMax = 1u << (CacheSlot.TagBits - 2);

    private const int LoadParts = 16;
    private const int LoadMax = 13;

    [FieldOffset(0)]
    public CacheSegment* Segments;

    [FieldOffset(8)]
    public uint BucketCount;

    [FieldOffset(12)]
    public int PolicyBytes;

    /// <summary>The heap's block that this lies in.</summary>
    [FieldOffset(16)]
    public void* Block;

    /// <summary>What the block counts against the limit.</summary>
    [FieldOffset(24)]
    public long Charge;

    /// <summary>Entries from which on the table is full.</summary>
    public readonly uint CountMax => CountMaxOf(BucketCount);

    /// <summary>Numbers of slots.</summary>
    public readonly uint SlotCount => BucketCount * CacheBucket.Slots;

    /// <summary>Fewest buckets that so many entries fit into.</summary>
    public static uint BucketsFor(uint count) => (uint)((((ulong)count * LoadParts) / (CacheBucket.Slots * LoadMax)) + 1);

    /// <summary>Bytes of a table, and what aligns it in its block.</summary>
    public static long BytesOf(uint buckets, int policyBytes) =>
        CacheLine.Bytes + HistoryOffset(buckets, policyBytes) + (long)EvictionHistory.BytesFor(CountMaxOf(buckets));

    /// <summary>Makes an empty table in a block.</summary>
    public static CacheTable* Make(void* block, uint buckets, int policyBytes, long charge, CacheSegment* segments)
    {
        Invariant.Assert(buckets is >= BucketsMin and <= BucketsMax && segments != null, $"An index of {buckets} buckets is made.");
        Invariant.Assert(charge >= BytesOf(buckets, policyBytes), $"An index of {BytesOf(buckets, policyBytes)} bytes is charged with {charge}.");
        NativeMemory.Clear(block, (nuint)BytesOf(buckets, policyBytes));
        var table = (CacheTable*)(((nuint)block + CacheLine.Bytes - 1) & ~(nuint)(CacheLine.Bytes - 1));
        table->Segments = segments;
        table->BucketCount = buckets;
        table->PolicyBytes = policyBytes;
        table->Block = block;
        table->Charge = charge;
        return table;
    }

    /// <summary>A bucket.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static CacheBucket* BucketAt(CacheTable* table, uint index) => (CacheBucket*)(table + 1) + index;

    /// <summary>The word of a slot by its number.</summary>
    public static ref ulong WordAt(CacheTable* table, uint number) =>
        ref BucketAt(table, number / CacheBucket.Slots)->Words[number % CacheBucket.Slots];

    /// <summary>Whether the entry of a slot was used.</summary>
    public static ref byte UsedAt(CacheTable* table, uint number) =>
        ref BucketAt(table, number / CacheBucket.Slots)->Used[number % CacheBucket.Slots];

    /// <summary>
    /// The turn of a slot when all are gone through: the first slot of each bucket, then the second of each. What is evicted in this order leaves holes everywhere. By whole buckets,
    /// half of the index would be empty behind the hand and the half before it too full for its entries: they would go on over thousands of buckets, and every
    /// lookup in vain after them.
    /// </summary>
    public static uint TurnOf(CacheTable* table, uint number) => (number % CacheBucket.Slots * table->BucketCount) + (number / CacheBucket.Slots);

    /// <summary>The number of the slot whose turn it is.</summary>
    public static uint NumberOf(CacheTable* table, uint turn)
    {
        Invariant.Assert(turn < table->SlotCount, $"Turn {turn} of {table->SlotCount} is asked for.");
        (uint slot, uint bucket) = Math.DivRem(turn, table->BucketCount);
        return (bucket * CacheBucket.Slots) + slot;
    }

    /// <summary>The slot whose turn comes next, behind the last the first.</summary>
    public static (uint Turn, uint Number) Next(CacheTable* table, uint turn, uint number)
    {
        number += CacheBucket.Slots;
        return ++turn == table->SlotCount ? (0, 0) : (turn, number < table->SlotCount ? number : number - table->SlotCount + 1);
    }

    /// <summary>The words of the policy, which knows slots by their turns.</summary>
    public static byte* PolicyOf(CacheTable* table) => (byte*)BucketAt(table, table->BucketCount);

    /// <summary>The memory of what is remembered of those that left.</summary>
    public static byte* HistoryOf(CacheTable* table) => (byte*)table + HistoryOffset(table->BucketCount, table->PolicyBytes);

    /// <summary>Finds the slot of a key. For the holder of the lock.</summary>
    /// <param name="table">The table.</param>
    /// <param name="hash">The key's hash.</param>
    /// <param name="key">The key.</param>
    /// <param name="record">The record, or null.</param>
    /// <returns>The slot's number; undefined without a record.</returns>
    public static uint Find(CacheTable* table, ulong hash, ReadOnlySpan<byte> key, out byte* record)
    {
        record = Find(table, hash, key, out CacheBucket* bucket, out uint slot);
        return record == null ? 0 : ((uint)(bucket - BucketAt(table, 0)) * CacheBucket.Slots) + slot;
    }

    /// <summary>Finds the record of a key.</summary>
    /// <param name="table">The table.</param>
    /// <param name="hash">The key's hash.</param>
    /// <param name="key">The key.</param>
    /// <param name="bucket">Its bucket; undefined without a record.</param>
    /// <param name="slot">Its slot there; undefined without a record.</param>
    /// <returns>The record, or null.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static byte* Find(CacheTable* table, ulong hash, ReadOnlySpan<byte> key, out CacheBucket* bucket, out uint slot)
    {
        uint tag = CacheSlot.TagOf(hash);
        uint buckets = table->BucketCount;
        uint index = CacheSlot.HomeOf(tag, buckets);
        for (uint step = 0; step < buckets; step++)
        {
            bucket = BucketAt(table, index);
            for (slot = 0; slot < CacheBucket.Slots; slot++)
            {
                ulong word = Atomic.LoadAcquire(in bucket->Words[slot]); // [K1] pairs with [K2]
                if (((uint)word ^ tag) < 8 && word > uint.MaxValue)
                {
                    byte* found = CacheSegment.AddressOf(table->Segments, (uint)(word >> 32));
                    if (CacheRecord.HasKey(found, key))
                    {
                        return found;
                    }
                }
            }

            // Whoever goes on to the next bucket counts himself here before he can be found there.
            if (bucket->Passed == 0)
            {
                break;
            }

            index = index + 1 == buckets ? 0 : index + 1;
        }

        bucket = null;
        slot = 0;
        return null;
    }

    /// <summary>Puts a word into the first slot that is free from its home on. The caller holds the lock; the table is not full.</summary>
    /// <returns>The slot's number.</returns>
    public static uint Add(CacheTable* table, CacheSlot slot)
    {
        Invariant.Assert(slot.Location != 0, "An entry without a record is put into an index.");
        uint index = CacheSlot.HomeOf(slot.Tag, table->BucketCount);
        uint first = (slot.Tag >> CacheSlot.TagShift) % CacheBucket.Slots;
        Invariant.Assert(index < table->BucketCount, $"The home of a tag is bucket {index} of {table->BucketCount}.");
        while (true)
        {
            CacheBucket* bucket = BucketAt(table, index);
            for (uint look = 0; look < CacheBucket.Slots; look++)
            {
                // From any slot on: whatever goes by the turns of slots finds as much in one as in another.
                uint i = (first + look) % CacheBucket.Slots;
                if (bucket->Words[i] == 0)
                {
                    bucket->Used[i] = 0;
                    Atomic.StoreRelease(ref bucket->Words[i], slot.Word); // [K2] pairs with [K1]
                    return (index * CacheBucket.Slots) + i;
                }
            }

            if (bucket->Passed != CacheBucket.PassedMax)
            {
                bucket->Passed++;
            }

            index = index + 1 == table->BucketCount ? 0 : index + 1;
        }
    }

    /// <summary>Takes a word out. The caller holds the lock.</summary>
    public static void Remove(CacheTable* table, uint number)
    {
        Invariant.Assert(number < table->SlotCount && WordAt(table, number) != 0, $"Slot {number} of {table->SlotCount} is emptied and holds nothing.");
        ref ulong word = ref WordAt(table, number);
        uint index = CacheSlot.HomeOf(new CacheSlot(word).Tag, table->BucketCount);
        Atomic.StoreRelease(ref word, 0);
        for (uint own = number / CacheBucket.Slots; index != own; index = index + 1 == table->BucketCount ? 0 : index + 1)
        {
            CacheBucket* bucket = BucketAt(table, index);
            Invariant.Assert(index < table->BucketCount, $"Bucket {index} of {table->BucketCount} was passed.");
            Invariant.Assert(bucket->Passed != 0, $"An entry leaves that passed bucket {index}, which nobody passed.");
            if (bucket->Passed != CacheBucket.PassedMax)
            {
                bucket->Passed--;
            }
        }
    }

    private static uint CountMaxOf(uint buckets) => (uint)((ulong)buckets * CacheBucket.Slots * LoadMax / LoadParts);

    private static long HistoryOffset(uint buckets, int policyBytes) =>
        (CacheLine.Bytes + ((long)buckets * (CacheBucket.Bytes + (CacheBucket.Slots * policyBytes))) + EvictionHistory.LineBytes - 1) & -EvictionHistory.LineBytes;
}
