using System.Numerics;
using NativeMm.Platform;
using NativeMm.Primitives;

namespace NativeMm.Heap;

/// <content>Giving back what is not needed, looking things up, and checking.</content>
internal sealed unsafe partial class Depot
{
    /// <summary>What the depot holds, in blocks unless the name says otherwise.</summary>
    public DepotStatistics GetStatistics()
    {
        // Not counted: who only looks does not end the rest of a heap.
        _lock.Enter();
        var statistics = new DepotStatistics(_slabs, _setBits, (long)_batches * _geometry.BatchCount, _acquisitions, _contentions);
        _lock.Exit();
        return statistics;
    }

    /// <summary>Whether an address is the start of a block that is not free in its slab.</summary>
    public bool IsBlockOutside(nuint address)
    {
        uint granule = _space.SlabOf(address, _geometry.Order);
        nuint offset = address - _space.AddressOf(granule);
        int index = _geometry.BlockAt(offset);
        if (index >= _geometry.Blocks || offset != (nuint)index * _geometry.BlockBytes)
        {
            return false;
        }

        // Without the lock: the caller holds the block, so its bit does not change; for any other block the answer is stale by nature.
        return (_space.BitmapAt(granule, _geometry.Blocks)[index >> 6] & (1UL << (index & 63))) == 0;
    }

    /// <summary>Sends batches home that nobody took since the last pass, or all of them.</summary>
    /// <returns>The first caller's mistake among their blocks, if any.</returns>
    public BlockFault TrimBatches(bool all)
    {
        BlockFault fault = BlockFault.None;
        EnterLock();
        int surplus = all ? _batches : Math.Min(_batchesLow, _batches);
        for (int i = 0; i < surplus; i++)
        {
            _batches--;
            BlockFault found = ReturnLocked(_stock.AsSpan(_batches * _geometry.BatchCount, _geometry.BatchCount));
            fault = fault.Kind == BlockFaultKind.None ? found : fault;
        }

        _batchesLow = _batches;
        _pass++;
        _lock.Exit();
        return fault;
    }

    /// <summary>
    /// Gives the unused pages inside slabs that did not change for some passes back to the operating system. The free blocks of a slab are
    /// taken out while that happens, so no lock is held over a system call.
    /// </summary>
    /// <param name="passes">How many passes a slab must have rested.</param>
    /// <returns>Bytes given back.</returns>
    public ulong DiscardUnusedPages(uint passes)
    {
        ulong discarded = 0;
        uint granule = NextResting(Slab.None, passes);

        // Bounded: other threads may change the slabs again as fast as this one goes through them.
        for (int left = GetStatistics().Slabs; left > 0 && granule != Slab.None; left--)
        {
            discarded += DiscardSlab(granule);
            granule = NextResting(granule, passes);
        }

        return discarded;
    }

    /// <summary>Forgets everything. The slabs are the caller's to free.</summary>
    public void Clear()
    {
        EnterLock();
        _oldest = Slab.None;
        _newest = Slab.None;
        _batches = 0;
        _stock = null;
        _slabs = 0;
        _setBits = 0;
        _lock.Exit();
    }

    /// <summary>The blocks that lie in batches at this moment. For checks at rest.</summary>
    public nuint[] BatchedBlocks()
    {
        EnterLock();
        nuint[] blocks = _stock.AsSpan(0, _batches * _geometry.BatchCount).ToArray();
        _lock.Exit();
        return blocks;
    }

    /// <summary>Finds a listed slab with pages to give back, or one that was made for a thread that then found other blocks; any, if the one to go on behind is no longer listed.</summary>
    private uint NextResting(uint behind, uint passes)
    {
        EnterLock();
        uint found = Slab.None;
        for (uint granule = _oldest; granule != Slab.None && found == Slab.None; granule = _space.SlabAt(granule).Next)
        {
            ref Slab slab = ref _space.SlabAt(granule);
            bool worthwhile = slab.DiscardedAt < 0 || slab.FreeCount == _geometry.Blocks;
            found = granule != behind && worthwhile && _pass - slab.ChangedAt >= passes ? granule : Slab.None;
        }

        _lock.Exit();
        return found;
    }

    private ulong DiscardSlab(uint granule)
    {
        Span<ulong> taken = stackalloc ulong[SlabGeometry.BlocksMax / 64];
        taken = taken[..((_geometry.Blocks + 63) >> 6)];
        EnterLock();
        ref Slab slab = ref _space.SlabAt(granule);
        Span<ulong> bitmap = _space.BitmapAt(granule, _geometry.Blocks);
        if (!slab.Listed)
        {
            _lock.Exit();
            return 0;
        }

        bitmap.CopyTo(taken);
        bitmap.Clear();
        int count = slab.FreeCount;
        slab.FreeCount = 0;
        slab.FirstWord = bitmap.Length - 1;
        UnlinkLocked(ref slab);
        _lock.Exit();

        ulong bytes = DiscardRuns(_space.AddressOf(granule), taken, slab.Untouched);

        EnterLock();
        for (int i = 0; i < taken.Length; i++)
        {
            // A block that was freed a second time meanwhile is not counted twice.
            slab.FreeCount += BitOperations.PopCount(taken[i] & ~bitmap[i]);
            _setBits -= BitOperations.PopCount(taken[i] & bitmap[i]);
            bitmap[i] |= taken[i];
        }

        slab.FirstWord = 0;
        slab.DiscardedAt = slab.FreeCount == count ? count : -1;
        if (slab.FreeCount == _geometry.Blocks)
        {
            FreeSlabLocked(ref slab, granule);
        }
        else if (!slab.Listed)
        {
            LinkNewestLocked(ref slab, granule);
        }

        _lock.Exit();
        return bytes;
    }

    /// <summary>Discards the whole pages inside each run of free blocks that was touched before.</summary>
    private ulong DiscardRuns(nuint address, ReadOnlySpan<ulong> free, int touchedEnd)
    {
        nuint page = _space.Platform.PageBytes;
        ulong bytes = 0;
        int index = NextFree(free, 0);
        while (index < touchedEnd)
        {
            int end = index + 1;
            while (end < touchedEnd && IsFree(free, end))
            {
                end++;
            }

            nuint from = (address + ((nuint)index * _geometry.BlockBytes) + page - 1) & ~(page - 1);
            nuint to = (address + ((nuint)end * _geometry.BlockBytes)) & ~(page - 1);
            if (from < to && _space.Platform.Discard(from, to - from, DiscardMode.Now).Succeeded)
            {
                bytes += to - from;
            }

            index = NextFree(free, end);
        }

        return bytes;
    }

    private static bool IsFree(ReadOnlySpan<ulong> free, int index) => (free[index >> 6] & (1UL << (index & 63))) != 0;

    private static int NextFree(ReadOnlySpan<ulong> free, int index)
    {
        int word = index >> 6;
        ulong bits = word < free.Length ? free[word] & (ulong.MaxValue << (index & 63)) : 0;
        while (bits == 0)
        {
            if (++word >= free.Length)
            {
                return int.MaxValue;
            }

            bits = free[word];
        }

        return (word << 6) + BitOperations.TrailingZeroCount(bits);
    }
}
