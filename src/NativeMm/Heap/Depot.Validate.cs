using System.Numerics;
using NativeMm.Diagnostics;

namespace NativeMm.Heap;

/// <content>The proof that everything adds up.</content>
internal sealed unsafe partial class Depot
{
    /// <summary>Checks slabs, list and counters. Call it at rest.</summary>
    /// <param name="cached">Every block of the class that lies in a batch or a magazine.</param>
    public void Validate(IReadOnlyCollection<nuint> cached)
    {
        EnterLock();
        try
        {
            ValidateSlabs();
            ValidateList();
            ValidateCached(cached);
        }
        finally
        {
            _lock.Exit();
        }
    }

    private void ValidateSlabs()
    {
        int slabs = 0;
        long setBits = 0;
        uint granule = 0;
        while (granule < _space.GranulesUsed)
        {
            if (_space.OwnerAt(granule) != (_tag | (uint)_class.Value))
            {
                granule++;
                continue;
            }

            setBits += ValidateSlab(granule);
            slabs++;
            granule += (uint)_geometry.Granules;
        }

        Invariant.Check(slabs == _slabs, $"{_geometry.BlockBytes}-byte class: {slabs} slabs found, {_slabs} counted.");
        Invariant.Check(setBits == _setBits, $"{_geometry.BlockBytes}-byte class: {setBits} free blocks found, {_setBits} counted.");
    }

    private long ValidateSlab(uint granule)
    {
        ref Slab slab = ref _space.SlabAt(granule);
        ReadOnlySpan<ulong> bitmap = _space.BitmapAt(granule, _geometry.Blocks);
        int free = 0;
        for (int i = 0; i < bitmap.Length; i++)
        {
            free += BitOperations.PopCount(bitmap[i]);
            Invariant.Check(bitmap[i] == 0 || i >= slab.FirstWord, $"Slab {granule}: word {i} has free blocks, the first word is said to be {slab.FirstWord}.");
        }

        Invariant.Check(free == slab.FreeCount, $"Slab {granule}: {free} bits set, {slab.FreeCount} counted.");
        Invariant.Check(slab.Listed == (free != 0), $"Slab {granule} has {free} free blocks and is {(slab.Listed ? "listed" : "not listed")}.");
        return free;
    }

    private void ValidateList()
    {
        uint previous = Slab.None;
        for (uint granule = _oldest; granule != Slab.None; granule = _space.SlabAt(granule).Next)
        {
            ref Slab slab = ref _space.SlabAt(granule);
            Invariant.Check(slab.Listed && slab.Previous == previous, $"Slab {granule}: its link back is {slab.Previous}, it should be {previous}.");
            previous = granule;
        }

        Invariant.Check(_newest == previous, $"The newest slab is said to be {_newest}, the list ends at {previous}.");
    }

    private void ValidateCached(IReadOnlyCollection<nuint> cached)
    {
        var seen = new HashSet<nuint>(cached.Count);
        foreach (nuint block in cached)
        {
            Invariant.Check(seen.Add(block), $"Block 0x{block:x} lies in two caches.");
            Invariant.Check(IsBlockOutside(block), $"Block 0x{block:x} lies in a cache and is free in its slab, or is no block at all.");
        }

        long outside = ((long)_slabs * _geometry.Blocks) - _setBits;
        Invariant.Check(cached.Count <= outside, $"{cached.Count} blocks are cached, but only {outside} are out of their slabs.");
    }
}
