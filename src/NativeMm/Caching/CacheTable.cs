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

    // Buckets that are looked at for an entry that fits into a free slot before them. More help little: what is further away comes nearer in steps.
    private const uint PasserLooks = 4;

    private const double GoldenSection = 0.6180339887498949;

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

    /// <summary>How many buckets the policy's hand goes on from one to the next, without a common divisor with their number; and what undoes that.</summary>
    [FieldOffset(32)]
    public uint Stride;

    [FieldOffset(36)]
    public uint StrideInverse;

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
        table->Stride = StrideOf(buckets, out table->StrideInverse);
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
    /// The policy's number of a slot. The hand goes by these numbers, and what it evicts makes room: if it went by slots, all room would lie behind it, and entries whose homes are
    /// elsewhere would pass hundreds of full buckets to get there. Bucket by bucket in steps of the golden section it makes room everywhere.
    /// </summary>
    public static uint ItemOf(CacheTable* table, uint number)
    {
        (uint bucket, uint slot) = uint.DivRem(number, CacheBucket.Slots);
        return ((uint)((ulong)bucket * table->StrideInverse % table->BucketCount) * CacheBucket.Slots) + slot;
    }

    /// <summary>The slot of a number of the policy.</summary>
    public static uint SlotOf(CacheTable* table, uint item)
    {
        Invariant.Assert(item < table->SlotCount, $"Item {item} of {table->SlotCount} is asked for.");
        (uint turn, uint slot) = uint.DivRem(item, CacheBucket.Slots);
        return ((uint)((ulong)turn * table->Stride % table->BucketCount) * CacheBucket.Slots) + slot;
    }

    /// <summary>The words of the policy.</summary>
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
        Invariant.Assert(index < table->BucketCount, $"The home of a tag is bucket {index} of {table->BucketCount}.");
        while (true)
        {
            CacheBucket* bucket = BucketAt(table, index);
            for (uint i = 0; i < CacheBucket.Slots; i++)
            {
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
        GoBack(table, index, number / CacheBucket.Slots);
    }

    /// <summary>Whether entries had to go on behind the bucket of a slot.</summary>
    public static bool IsPassed(CacheTable* table, uint number) => BucketAt(table, number / CacheBucket.Slots)->Passed != 0;

    /// <summary>Finds an entry in one of the next buckets that passed a slot's. The caller holds the lock.</summary>
    /// <param name="table">The table.</param>
    /// <param name="hole">The slot, which is free.</param>
    /// <param name="taken">Slots that do not count.</param>
    /// <param name="passer">The entry's slot.</param>
    public static bool TryFindPasser(CacheTable* table, uint hole, ReadOnlySpan<uint> taken, out uint passer)
    {
        uint buckets = table->BucketCount;
        uint index = hole / CacheBucket.Slots;
        for (uint distance = 1; distance <= PasserLooks && BucketAt(table, index)->Passed != 0; distance++)
        {
            index = index + 1 == buckets ? 0 : index + 1;
            for (uint i = 0; i < CacheBucket.Slots; i++)
            {
                var slot = new CacheSlot(BucketAt(table, index)->Words[i]);
                passer = (index * CacheBucket.Slots) + i;
                if (slot.Word != 0 && DistanceOf(CacheSlot.HomeOf(slot.Tag, buckets), index, buckets) >= distance && !taken.Contains(passer))
                {
                    return true;
                }
            }
        }

        passer = 0;
        return false;
    }

    /// <summary>Puts the word of a slot into a free one as well, which its entry passed. The caller holds the lock.</summary>
    public static void Copy(CacheTable* table, uint from, uint to)
    {
        Invariant.Assert(WordAt(table, to) == 0 && WordAt(table, from) != 0, $"Slot {from} is copied to slot {to}, or there is nothing to copy.");
        UsedAt(table, to) = UsedAt(table, from);
        Atomic.StoreRelease(ref WordAt(table, to), WordAt(table, from)); // [K2] pairs with [K1]
    }

    /// <summary>Takes a word out that was put into another slot as well. The caller holds the lock, and has waited for all lookups that were under way at that time.</summary>
    public static void Uncopy(CacheTable* table, uint from, uint to)
    {
        Invariant.Assert(WordAt(table, from) == WordAt(table, to), $"Slot {from} was copied to slot {to}, and they differ.");
        Atomic.StoreRelease(ref WordAt(table, from), 0);
        UsedAt(table, to) |= UsedAt(table, from);
        GoBack(table, to / CacheBucket.Slots, from / CacheBucket.Slots);
    }

    /// <summary>An entry does not pass some buckets any more.</summary>
    private static void GoBack(CacheTable* table, uint index, uint end)
    {
        for (; index != end; index = index + 1 == table->BucketCount ? 0 : index + 1)
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

    /// <summary>The stride next to the golden section of so many buckets, and its inverse among them.</summary>
    private static uint StrideOf(uint buckets, out uint inverse)
    {
        uint stride = (uint)(buckets * GoldenSection);
        while (!TryInvert(stride, buckets, out inverse))
        {
            stride++;
        }

        return stride;
    }

    /// <summary>Euclid's algorithm, which finds the inverse where there is no common divisor.</summary>
    private static bool TryInvert(uint value, uint modulus, out uint inverse)
    {
        (long rest, long divisor) = (modulus, value);
        (long before, long factor) = (0, 1);
        while (divisor != 0)
        {
            long quotient = rest / divisor;
            (rest, divisor) = (divisor, rest - (quotient * divisor));
            (before, factor) = (factor, before - (quotient * factor));
        }

        inverse = (uint)(before < 0 ? before + modulus : before);
        return rest == 1;
    }

    private static uint DistanceOf(uint from, uint to, uint buckets) => to >= from ? to - from : to + buckets - from;

    private static uint CountMaxOf(uint buckets) => (uint)((ulong)buckets * CacheBucket.Slots * LoadMax / LoadParts);

    private static long HistoryOffset(uint buckets, int policyBytes) =>
        (CacheLine.Bytes + ((long)buckets * (CacheBucket.Bytes + (CacheBucket.Slots * policyBytes))) + EvictionHistory.LineBytes - 1) & -EvictionHistory.LineBytes;
}
