using NativeMm.Diagnostics;

namespace NativeMm.Heap;

/// <content>Blocks that come back: into batches, or home to their slabs.</content>
internal sealed unsafe partial class Depot
{
    /// <summary>Brings blocks back. Full batches stay whole if there is room; the others go to the slabs.</summary>
    /// <param name="blocks">Any number of blocks of the class.</param>
    /// <returns>The first caller's mistake among them, if any; a block in error is left out, the others are taken.</returns>
    public BlockFault Put(ReadOnlySpan<nuint> blocks)
    {
        EnterLock();
        BlockFault fault = ReturnLocked(blocks[StockLocked(blocks)..]);
        _lock.Exit();
        return fault;
    }

    /// <summary>Brings blocks back to their slabs, past the batches.</summary>
    /// <inheritdoc cref="Put"/>
    public BlockFault PutHome(ReadOnlySpan<nuint> blocks)
    {
        EnterLock();
        BlockFault fault = ReturnLocked(blocks);
        _lock.Exit();
        return fault;
    }

    /// <summary>Brings blocks back to their slabs, and the batches after them: nobody uses the size any more.</summary>
    /// <inheritdoc cref="Put"/>
    public BlockFault PutAllHome(ReadOnlySpan<nuint> blocks)
    {
        EnterLock();
        BlockFault fault = ReturnLocked(blocks).Or(ReturnLocked(_stock.AsSpan(0, _batches * _geometry.BatchCount)));
        _batches = 0;
        _batchesLow = 0;
        _lock.Exit();
        return fault;
    }

    /// <summary>Keeps whole batches as long as there is room.</summary>
    /// <returns>How many blocks it kept.</returns>
    private int StockLocked(ReadOnlySpan<nuint> blocks)
    {
        Invariant.Assert(_lock.IsHeld && _batches <= _geometry.StockedBatches, $"A depot with {_batches} batches gets more, or without its lock.");
        int kept = 0;
        while (_stock is not null && blocks.Length - kept >= _geometry.BatchCount && _batches < _geometry.StockedBatches)
        {
            blocks.Slice(kept, _geometry.BatchCount).CopyTo(_stock.AsSpan(_batches * _geometry.BatchCount));
            kept += _geometry.BatchCount;
            _batches++;
        }

        return kept;
    }

    /// <summary>Sets the bits of blocks that come back. Neighbours in time are often neighbours in a slab, so each run of them pays for its slab once.</summary>
    private BlockFault ReturnLocked(ReadOnlySpan<nuint> blocks)
    {
        BlockFault fault = BlockFault.None;
        while (!blocks.IsEmpty)
        {
            blocks = blocks[ReturnRunLocked(blocks, ref fault)..];
        }

        return fault;
    }

    /// <summary>Returns the leading blocks that lie in one slab.</summary>
    /// <returns>How many those are, with those in error.</returns>
    private int ReturnRunLocked(ReadOnlySpan<nuint> blocks, ref BlockFault fault)
    {
        Invariant.Assert(_lock.IsHeld && !blocks.IsEmpty, "Blocks come back to a depot without its lock.");
        uint granule = _space.SlabOf(blocks[0], _geometry.Order);
        nuint start = _space.AddressOf(granule);
        nuint bytes = _geometry.Order.Bytes;
        if (_space.OwnerAt(granule) != (_tag | (uint)_class.Value))
        {
            // A block that was freed twice can outlive its slab in a cache; the granule may belong to anybody by now.
            NoteFault(ref fault, BlockFaultKind.DoubleFree, blocks[0]);
            return 1;
        }

        Span<ulong> bitmap = _space.BitmapAt(granule, _geometry.Blocks);
        int lowest = int.MaxValue;
        int returned = 0;
        int i = 0;
        for (; i < blocks.Length && blocks[i] - start < bytes; i++)
        {
            nuint offset = blocks[i] - start;
            int index = _geometry.BlockAt(offset);
            if (index >= _geometry.Blocks || offset != (nuint)index * _geometry.BlockBytes)
            {
                NoteFault(ref fault, BlockFaultKind.NotBlockStart, blocks[i]);
                continue;
            }

            ref ulong word = ref bitmap[index >> 6];
            ulong bit = 1UL << (index & 63);
            if ((word & bit) != 0)
            {
                NoteFault(ref fault, BlockFaultKind.DoubleFree, blocks[i]);
                continue;
            }

            word |= bit;
            lowest = Math.Min(lowest, index);
            returned++;
        }

        if (returned != 0)
        {
            ReturnedLocked(granule, returned, lowest >> 6);
        }

        return i;
    }

    private void ReturnedLocked(uint granule, int count, int lowestWord)
    {
        ref Slab slab = ref _space.SlabAt(granule);
        Invariant.Assert(_lock.IsHeld && count > 0 && slab.Listed == (slab.FreeCount > 0), $"Slab {granule} gets {count} blocks back beside {slab.FreeCount}, and its place on the list says otherwise.");
        slab.FirstWord = Math.Min(slab.FirstWord, lowestWord);
        slab.FreeCount += count;
        slab.DiscardedAt = -1;
        slab.ChangedAt = _pass;
        _setBits += count;
        Invariant.Assert(_slabs > 0 && _setBits >= slab.FreeCount, $"{_setBits} blocks are free in {_slabs} slabs, and {slab.FreeCount} in one of them.");
        Invariant.Assert(slab.FreeCount <= _geometry.Blocks, $"Slab {granule} has {slab.FreeCount} free blocks, of {_geometry.Blocks}.");
        if (slab.FreeCount == _geometry.Blocks && !slab.Held)
        {
            FreeSlabLocked(ref slab, granule);
        }
        else if (!slab.Listed)
        {
            LinkNewestLocked(ref slab, granule);
        }

        AssertSlabLocked(granule);
    }

    private static void NoteFault(ref BlockFault fault, BlockFaultKind kind, nuint block) =>
        fault = fault.Kind == BlockFaultKind.None ? new BlockFault(kind, block) : fault;

    private void FreeSlabLocked(ref Slab slab, uint granule)
    {
        Invariant.Assert(_lock.IsHeld && !slab.Held, $"Slab {granule} is given back while a trim pass holds its blocks.");
        Invariant.Assert(slab.FreeCount == _geometry.Blocks && _slabs > 0, $"Slab {granule} is given back with {slab.FreeCount} of {_geometry.Blocks} blocks free, of {_slabs} slabs.");
        if (slab.Listed)
        {
            UnlinkLocked(ref slab);
        }

        _slabs--;
        _slabsFreed++;
        _setBits -= _geometry.Blocks;
        Invariant.Assert(_setBits >= 0 && (_slabs != 0 || _setBits == 0), $"{_slabs} slabs have {_setBits} free blocks.");
        _space.FreeSlab(granule, in _geometry);
        _places.Push(granule);
    }
}
