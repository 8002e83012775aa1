using NativeMm.Diagnostics;

namespace NativeMm.Heap;

/// <content>Giving back what is not needed, looking things up, and checking.</content>
internal sealed unsafe partial class Depot
{
    /// <summary>What the depot holds, in blocks unless the name says otherwise.</summary>
    public DepotStatistics GetStatistics()
    {
        // Not counted: who only looks does not end the rest of a heap.
        _lock.Enter();
        var statistics = new DepotStatistics(_slabs, _setBits, (long)_batches * _geometry.BatchCount, _slabsFreed, _acquisitions, _contentions);
        _lock.Exit();
        return statistics;
    }

    /// <summary>Whether an address is the start of a block that is not free in its slab.</summary>
    public bool IsBlockOutside(nuint address)
    {
        int index = _geometry.IndexOf(address - _space.BaseAddress);

        // Without the lock: the caller holds the block, so its bit does not change; for any other block the answer is stale by nature.
        return index >= 0 && (_space.BitmapAt(_space.SlabOf(address, _geometry.Order), _geometry.Blocks)[index >> 6] & (1UL << (index & 63))) == 0;
    }

    /// <summary>Sends batches home that nobody took since the last pass, or all of them.</summary>
    /// <returns>The first caller's mistake among their blocks, if any.</returns>
    public BlockFault TrimBatches(bool all)
    {
        BlockFault fault = BlockFault.None;
        EnterLock();
        int surplus = all ? _batches : Math.Min(_batchesLow, _batches);
        Invariant.Assert(surplus >= 0 && _batches <= _geometry.StockedBatches, $"{surplus} of {_batches} batches go home, of {_geometry.StockedBatches} that there may be.");
        for (int i = 0; i < surplus; i++)
        {
            _batches--;
            BlockFault found = ReturnLocked(_stock.AsSpan(_batches * _geometry.BatchCount, _geometry.BatchCount));
            fault = fault.Kind == BlockFaultKind.None ? found : fault;
        }

        Invariant.Assert(_batches >= 0 && (!all || _batches == 0), $"A depot has {_batches} batches after a trim{(all ? " of all" : "")}.");
        _batchesLow = _batches;
        _places.Age();
        _pass++;
        _lock.Exit();
        return fault;
    }

    /// <summary>Forgets everything. The slabs are the caller's to free.</summary>
    public void Clear()
    {
        EnterLock();
        _oldest = Slab.None;
        _newest = Slab.None;
        _walk = Slab.None;
        _batches = 0;
        _stock = null;
        _places = default;
        _slabs = 0;
        _setBits = 0;
        _lock.Exit();
    }

    /// <summary>Whether a block lies in a batch at this moment.</summary>
    public bool IsBatched(nuint block)
    {
        EnterLock();
        bool found = _stock.AsSpan(0, _batches * _geometry.BatchCount).Contains(block);
        _lock.Exit();
        return found;
    }

    /// <summary>The blocks that lie in batches at this moment. For checks at rest.</summary>
    public nuint[] BatchedBlocks()
    {
        // Nothing is allocated under the lock.
        nuint[] blocks = new nuint[_geometry.StockedBatches * _geometry.BatchCount];
        EnterLock();
        int count = _batches * _geometry.BatchCount;
        _stock.AsSpan(0, count).CopyTo(blocks);
        _lock.Exit();
        return blocks[..count];
    }
}
