using System.Runtime.CompilerServices;
using NativeMm.Diagnostics;
using NativeMm.Frames;
using NativeMm.Heap;
using NativeMm.Primitives;

namespace NativeMm.Caching;

/// <content>Storing.</content>
internal sealed unsafe partial class CacheEngine<TPolicy>
{
    /// <summary>How often a store tries again after it made room: others may take it.</summary>
    private const int Attempts = 64;

    /// <inheritdoc/>
    public override bool Set(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, CacheTimes times, CachePriority priority)
    {
        using StripedEndGate.Visit inside = Inside();
        return SetInside(key, value, times, priority);
    }

    /// <inheritdoc/>
    public override bool SetInside(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, CacheTimes times, CachePriority priority)
    {
        Invariant.Assert(Gate.Guests > 0, "An entry is set by somebody for whom the end of the cache does not wait.");
        long now = Now();
        ulong hash = Hash.Of(key);
        if (times.Deadline > now && key.Length + (long)value.Length <= Options.EntryBytesMax)
        {
            var item = new CacheItem { Hash = hash, Key = key, Stored = value, Length = value.Length, Times = times, Priority = priority };
            if (Options.Codec is null || value.Length < Options.CompressFromBytes ? TrySet(item, now) : TrySetCompressed(item, now))
            {
                return true;
            }
        }

        Refuse(hash, key, now);
        return false;
    }

    /// <inheritdoc/>
    public override void Refuse(ReadOnlySpan<byte> key)
    {
        Refuse(Hash.Of(key), key, Now());
    }

    private void Refuse(ulong hash, ReadOnlySpan<byte> key, long now)
    {
        CountRefusal();
        CacheShard<TPolicy> shard = ShardOf(hash);
        Enter(shard, now);
        shard.Remove(hash, key, CacheEvictionReason.Replaced);
        Tell(Exit(shard));
    }

    private bool TrySetCompressed(in CacheItem item, long now)
    {
        Invariant.Assert(!item.IsCompressed && item.Length >= Options.CompressFromBytes, $"A value of {item.Length} bytes is compressed that is so already, or too short.");
        int most = item.Length / 4 * 3;
        if (!Heap.TryAlloc((nuint)most, out void* scratch))
        {
            return TrySet(item, now);
        }

        try
        {
            if (!TryCompress(item.Stored, new Span<byte>(scratch, most), out int written))
            {
                return TrySet(item, now);
            }

            var compressed = new CacheItem
            {
                Hash = item.Hash,
                Key = item.Key,
                Stored = new ReadOnlySpan<byte>(scratch, written),
                Length = item.Length,
                Times = item.Times,
                Priority = item.Priority,
            };
            return TrySet(compressed, now);
        }
        finally
        {
            Heap.FreeHere(scratch);
        }
    }

    private bool TryCompress(ReadOnlySpan<byte> value, Span<byte> destination, out int written)
    {
        BeginCallOut();
        try
        {
            return Options.Codec!.TryCompress(value, destination, out written) && written > 0 && written <= destination.Length;
        }
        finally
        {
            EndCallOut();
        }
    }

    private bool TrySet(in CacheItem item, long now) =>
        CacheRecord.BytesOf(item, jumbo: false) <= _packedBytesMax ? TrySetPacked(item, now) : TrySetLarge(item, now);

    private bool TrySetPacked(in CacheItem item, long now)
    {
        CacheShard<TPolicy> shard = ShardOf(item.Hash);
        for (int attempt = 0; attempt < Attempts; attempt++)
        {
            Enter(shard, now);
            CacheOutcome outcome = shard.Set(item);
            Tell(Exit(shard));
            if (outcome == CacheOutcome.Done)
            {
                return true;
            }

            if (!(outcome == CacheOutcome.NeedsTable ? TryGrow(shard, now) : TryMakeRoomForSegment(shard, now)))
            {
                return false;
            }
        }

        return false;
    }

    private bool TrySetLarge(in CacheItem item, long now)
    {
        long charge = CacheSpace.ChargeOf(CacheRecord.BytesOf(item, jumbo: true));
        CacheShard<TPolicy> shard = ShardOf(item.Hash);
        Invariant.Assert(!shard.Lock.IsHeldByCurrentThread, "Everybody is asked for memory under the lock of a shard, which they cannot get then.");
        if (charge > Budget.Limit - BookkeepingBytes() || !TryCharge(charge, now))
        {
            return false;
        }

        nuint record = shard.Space.AllocLarge(charge);
        if (record == 0)
        {
            Budget.Release(charge);
            return false;
        }

        CacheRecord.Write((byte*)record, item, units: 0);
        for (int attempt = 0; attempt < Attempts; attempt++)
        {
            Enter(shard, now);
            CacheOutcome outcome = shard.SetLarge(item, record, charge);
            Tell(Exit(shard));
            if (outcome == CacheOutcome.Done)
            {
                return true;
            }

            if (!(outcome == CacheOutcome.NeedsTable ? TryGrow(shard, now) : TryMakeRoomForNumber(shard, now)))
            {
                break;
            }
        }

        Invariant.Assert(!shard.Lock.IsHeldByCurrentThread, "A record that became no entry is given back under the lock of its shard.");
        shard.Space.FreeLarge(record, charge);
        return false;
    }

    /// <summary>Makes the index of a shard larger, or evicts from it where there is no memory for that.</summary>
    private bool TryGrow(CacheShard<TPolicy> shard, long now)
    {
        Invariant.Assert(!shard.Lock.IsHeldByCurrentThread, "Memory for an index is asked for under the lock of its shard.");
        CacheTable* table = TryMakeTable(shard.NextBuckets, shard.Space);
        if (table == null && TryMakeRoom(TableCharge(shard.NextBuckets), now))
        {
            table = TryMakeTable(shard.NextBuckets, shard.Space);
        }

        Enter(shard, now);
        CacheTable* unused = table == null ? null : shard.Grow(table);
        bool helped = table != null || !shard.IsFull || shard.EvictSome();
        Tell(Exit(shard));
        FreeTable(unused);
        return helped;
    }

    /// <summary>Makes the index of a shard smaller, if it has far too many buckets and there is memory for another one.</summary>
    /// <returns>Bytes that the index takes less.</returns>
    private long ShrinkTable(CacheShard<TPolicy> shard, long now)
    {
        Enter(shard, now);
        uint buckets = shard.FewerBuckets;
        Tell(Exit(shard));
        CacheTable* table = buckets == 0 ? null : TryMakeTable(buckets, shard.Space);
        if (table == null)
        {
            return 0;
        }

        long charge = table->Charge;
        Enter(shard, now);
        CacheTable* unused = shard.Shrink(table);
        Tell(Exit(shard));
        long given = unused == table ? 0 : unused->Charge - charge;
        FreeTable(unused);
        return given;
    }

    private static long TableCharge(uint buckets)
    {
        long bytes = CacheTable.BytesOf(buckets, TPolicy.ItemBytes);
        return bytes <= SizeClass.BytesMax ? (long)SizeClass.BlockBytesFor((nuint)bytes) : CacheSpace.ChargeOf(bytes);
    }

    private CacheTable* TryMakeTable(uint buckets, CacheSpace space)
    {
        long charge = TableCharge(buckets);
        if (!Budget.TryCharge(charge))
        {
            return null;
        }

        if (!Heap.TryAlloc((nuint)CacheTable.BytesOf(buckets, TPolicy.ItemBytes), out void* block))
        {
            Budget.Release(charge);
            return null;
        }

        Invariant.Assert((ulong)charge >= Heap.UsableSize(block), $"A block of {Heap.UsableSize(block)} bytes is charged with {charge}.");
        return CacheTable.Make(block, buckets, TPolicy.ItemBytes, charge, space.Segments);
    }

    private void FreeTable(CacheTable* table)
    {
        if (table != null)
        {
            // No other table has this size, so nobody waits for these pages: the system gets them before the heap gets the block. What the table says of
            // itself goes with them.
            Invariant.Assert(!new ReadOnlySpan<nuint>(Roots, ShardsMax).Contains((nuint)table), "An index is freed that lookups find.");
            long charge = table->Charge;
            void* block = table->Block;
            Heap.GiveUpPages(block, (nuint)charge);
            Heap.FreeForgotten(block);
            Budget.Release(charge);
        }
    }

    private bool TryCharge(long bytes, long now)
    {
        for (int attempt = 0; attempt < Attempts; attempt++)
        {
            if (Budget.TryCharge(bytes))
            {
                return true;
            }

            if (!TryMakeRoom(bytes, now))
            {
                return false;
            }
        }

        return false;
    }

    /// <summary>Gives a shard a segment, or makes room for one within the limit. No lock is held: others are asked for frames, which a shard that is locked does not do.</summary>
    private bool TryMakeRoomForSegment(CacheShard<TPolicy> shard, long now)
    {
        if (!Budget.TryCharge(_segmentBytes))
        {
            return TryMakeRoom(_segmentBytes + (long)Frames.Zone.Platform.PageBytes, now);
        }

        Invariant.Assert(!shard.Lock.IsHeldByCurrentThread, "Everybody is asked for the frames of a segment under the lock of a shard, which they cannot get then.");
        bool added = false;
        if (shard.Space.TryTakeFrames(FrameFlags.None, out Pfn first))
        {
            Enter(shard, now);
            added = shard.Space.TryAdopt(first);
            Tell(Exit(shard));
        }

        if (!added)
        {
            Budget.Release(_segmentBytes);
        }

        return added;
    }

    /// <summary>Makes room for the descriptor of a segment: numbers are a shard's own, so the limit may have room where the shard has none.</summary>
    private bool TryMakeRoomForNumber(CacheShard<TPolicy> shard, long now)
    {
        Enter(shard, now);
        bool gave = shard.GiveBack();
        Tell(Exit(shard));
        return gave || TryMakeRoom((long)Frames.Zone.Platform.PageBytes, now);
    }

    /// <summary>What eviction cannot give back.</summary>
    private long BookkeepingBytes()
    {
        long bytes = FixedBytes;
        foreach (CacheShard<TPolicy> shard in _shards)
        {
            bytes += shard.IndexBytes + shard.Space.NumberBytes;
        }

        return bytes;
    }

    /// <summary>Evicts from all shards in turn, until the limit has room. No lock is held.</summary>
    private bool TryMakeRoom(long bytes, long now)
    {
        Invariant.Assert(bytes > 0 && Gate.Guests > 0, $"Room for {bytes} bytes is made, or for somebody outside of the gate.");
        int inVain = 0;
        while (Budget.Limit - Budget.Used < bytes)
        {
            CacheShard<TPolicy> shard = _shards[(int)(Atomic.Add(ref _turn, 1) & ShardMask)];
            Enter(shard, now);
            bool gave = shard.GiveBack();
            Tell(Exit(shard));
            inVain = gave ? 0 : inVain + 1;
            if (inVain > _shards.Length)
            {
                return false;
            }
        }

        return true;
    }
}
