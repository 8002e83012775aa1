using System.Numerics;
using System.Runtime.CompilerServices;
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

    /// <summary>Looks at a slab that was changed, unless it has gone.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void AssertSlabLocked(uint granule)
    {
        if (Invariant.AreAsserted && _space.OwnerAt(granule) == (_tag | (uint)_class.Value))
        {
            CheckSlabLocked(granule);
        }
    }

    /// <summary>What holds of a slab, and of its place in the list, when the lock is given up.</summary>
    private void CheckSlabLocked(uint granule)
    {
        ref Slab slab = ref _space.SlabAt(granule);
        int free = 0;
        ReadOnlySpan<ulong> bitmap = _space.BitmapAt(granule, _geometry.Blocks);
        for (int i = 0; i < bitmap.Length; i++)
        {
            free += BitOperations.PopCount(bitmap[i]);
            Invariant.Check(bitmap[i] == 0 || i >= slab.FirstWord, $"Slab {granule} has free blocks in word {i}, before its first one {slab.FirstWord}.");
        }

        Invariant.Check(_lock.IsHeld, $"Slab {granule} is changed without the depot's lock.");
        Invariant.Check(free == slab.FreeCount && free <= _geometry.Blocks, $"Slab {granule} has {free} free blocks of {_geometry.Blocks} and counts {slab.FreeCount}.");
        Invariant.Check(slab.Held || slab.Listed == (free != 0), $"Slab {granule} has {free} free blocks and is {(slab.Listed ? "listed" : "not listed")}.");
        Invariant.Check(slab.Untouched >= 0 && slab.Untouched <= _geometry.Blocks, $"Slab {granule} of {_geometry.Blocks} blocks is untouched from {slab.Untouched} on.");
        Invariant.Check(slab.DiscardedAt <= _geometry.Blocks, $"Slab {granule} of {_geometry.Blocks} blocks was discarded with {slab.DiscardedAt} free.");
        if (slab.Listed)
        {
            Invariant.Check(
                slab.Previous == Slab.None ? _oldest == granule : _space.SlabAt(slab.Previous).Next == granule, $"The slab before {granule} does not lead to it.");
            Invariant.Check(
                slab.Next == Slab.None ? _newest == granule : _space.SlabAt(slab.Next).Previous == granule, $"The slab behind {granule} does not lead back to it.");
        }

        // No upper bound: a block that is freed a second time while a trim pass holds its slab is counted twice until the pass is over.
        Invariant.Check(_slabs > 0 && _setBits >= free, $"{_slabs} slabs count {_setBits} free blocks, and slab {granule} has {free}.");
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
