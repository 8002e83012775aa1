using System.Runtime.CompilerServices;
using NativeMm.Diagnostics;
using NativeMm.Primitives;
using StackPages = NativeMm.Platform.StackPages<NativeMm.Heap.ThreadCache>;

namespace NativeMm.Heap;

/// <content>Freeing, and finding out what is wrong with a pointer.</content>
public sealed unsafe partial class NativeHeap
{
    /// <summary>Frees a block. Any thread may free any block.</summary>
    /// <param name="block">A block of this heap, or null, which does nothing.</param>
    /// <exception cref="MemoryFaultException">
    /// The pointer is foreign, belongs to another heap, or is not a multiple of 16. A block that is freed twice, and a pointer into the middle
    /// of a block, are found when the block goes home to its slab: by the call that overflows the caches, or by a trim, which leaves an event; at
    /// once in checked mode.
    /// </exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Free(void* block)
    {
        nuint here = StackPages.Here;
        nuint* entry = StackPages.EntryOf(here);
        if (!ReferenceEquals(this, s_shared))
        {
            FreeOther(block);
            return;
        }

        if (StackPages.Knows(entry, here))
        {
            ulong unit = SlabSpace.UnitOf(s_sharedBase, block);
            if (unit < s_sharedUnits)
            {
                Magazine magazine = ThreadCache.MagazineAt(StackPages.Of(entry), SlabSpace.PlaceAt(s_sharedWords, unit));
                nuint slot = magazine.PushSlot();
                if (magazine.PushIsGranted(slot))
                {
                    magazine.Push(slot, (nuint)block);
                    return;
                }
            }
        }

        FreeSlow(block, here);
    }

    /// <summary>Frees a block from <see cref="AlignedAlloc"/>; the same as <see cref="Free"/>.</summary>
    /// <inheritdoc cref="Free"/>
    public void AlignedFree(void* block) => Free(block);

    /// <summary>Bytes that may be used in a block: at least what was asked for.</summary>
    /// <param name="block">A live block of this heap.</param>
    /// <returns>Bytes; 0 for null.</returns>
    /// <exception cref="MemoryFaultException">The pointer is not the start of a block of this heap.</exception>
    public nuint UsableSize(void* block)
    {
        if (block == null)
        {
            return 0;
        }

        ThrowIfDisposed();
        if (_checked is not null)
        {
            return _checked.UsableSize(block);
        }

        nuint bytes = BlockBytesOf((nuint)block);
        return bytes != 0 ? bytes : throw Fault((nuint)block);
    }

    /// <summary>
    /// Whether an address is the start of a block that is in use. Looks through all caches, so it is for checks, not for hot paths; exact for a
    /// block that nobody frees at the same moment.
    /// </summary>
    /// <param name="block">Any address.</param>
    /// <returns>True only for the first byte of a block of this heap that is in use; false for null, for an address inside of a block, and for what is no memory at all.</returns>
    public bool Owns(void* block)
    {
        if (block == null || _disposed)
        {
            return false;
        }

        if (_checked is not null)
        {
            return _checked.Owns(block);
        }

        // A trim pass has blocks in its hands that are neither in use nor free anywhere.
        using (_upkeepLock.EnterScope())
        {
            return !_disposed && BlockBytesOf((nuint)block) != 0 && !(_space.Contains((nuint)block) && IsCachedLocked((nuint)block));
        }
    }

    /// <summary>Whether a block of a slab lies in a thread's magazine or in a batch. Under the upkeep lock.</summary>
    private bool IsCachedLocked(nuint block)
    {
        Invariant.Assert(_upkeepLock.IsHeldByCurrentThread, "Caches are looked through without the upkeep lock.");
        nuint sizeClass = _space.OwnerOf(block) ^ _tag;
        if (sizeClass >= SizeClass.Count || _depots[sizeClass].IsBatched(block))
        {
            return true;
        }

        for (int i = 0; ; i++)
        {
            ThreadCache* cache = _caches.At(i);
            if (cache == null)
            {
                return false;
            }

            // Under the guard no magazine gets other slots while they are read; its owner may push and pop all the same.
            cache->Guard.Enter();
            bool contains = ThreadCache.MagazineOf(cache, sizeClass).Contains(block);
            cache->Guard.Exit();
            if (contains)
            {
                return true;
            }
        }
    }

    /// <summary><see cref="Free"/> of a heap that is not the shared one.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void FreeOther(void* block)
    {
        ThreadCache* cache = null;
        try
        {
            cache = OtherCache();
        }
        catch (OutOfMemoryException)
        {
            // As in TryFindCache: the free goes on without a cache.
        }

        FreeBy(cache, block);
    }

    /// <summary>Frees by a cache that may be missing.</summary>
    private void FreeBy(ThreadCache* cache, void* block)
    {
        Invariant.Assert(cache == null || cache->Tag == _tag, "A block is freed by a cache of another heap.");
        if (cache == null || !ThreadCache.TryClassOf(cache, block, out nuint sizeClass)
            || !ThreadCache.MagazineOf(cache, sizeClass).TryPush((nuint)block))
        {
            FreeRest(block);
        }
    }

    /// <summary>What follows the hit path of the shared heap. Static, so that the hit path loads no reference.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void FreeSlow(void* block, nuint here) => s_shared.FreeBy(EnterStack(here), block);

    /// <summary>A full magazine, null, no cache yet, a large or guarded block, checked mode, or a wrong pointer.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void FreeRest(void* block)
    {
        if (block == null)
        {
            return;
        }

        ThrowIfDisposed();
        if (_checked is not null)
        {
            _checked.Free(block);
            return;
        }

        ThreadCache* cache = TryFindCache();
        if (cache == null)
        {
            FreeWithoutCache((nuint)block);
        }
        else if (ThreadCache.TryClassOf(cache, block, out nuint sizeClass))
        {
            FreeFlush(cache, sizeClass, (nuint)block);

            // The guard lies in memory of the heap, which must not be found forgotten and unused before it was given up.
            GC.KeepAlive(this);
        }
        else if (_space.Contains((nuint)block) || !TryFreeOutside((nuint)block))
        {
            throw Fault((nuint)block);
        }
    }

    /// <summary>
    /// The thread's cache, or a new one; null when the system has no memory for one, or managed memory is full: a thread's first look at its thread
    /// statics allocates them.
    /// </summary>
    private ThreadCache* TryFindCache()
    {
        try
        {
            ThreadCache* cache = CurrentCache();
            return cache != null ? cache : AttachCache();
        }
        catch (OutOfMemoryException)
        {
            return null;
        }
    }

    /// <summary>Freeing must not fail for lack of memory, so it works without a cache as well.</summary>
    private void FreeWithoutCache(nuint block)
    {
        Invariant.Assert(block != 0 && _checked is null, "A block of a checked heap is freed past its checks, or none.");
        if (!_space.Contains(block))
        {
            if (!TryFreeOutside(block))
            {
                throw Fault(block);
            }

            return;
        }

        nuint sizeClass = _space.OwnerOf(block) ^ _tag;
        if (sizeClass >= SizeClass.Count)
        {
            throw Fault(block);
        }

        ThrowIfFault(_depots[sizeClass].PutHome(new ReadOnlySpan<nuint>(in block)));
    }

    /// <summary>Adds a block to a magazine, after its older half went to the depot if it was full.</summary>
    private void FreeFlush(ThreadCache* cache, nuint sizeClass, nuint block)
    {
        Magazine magazine = ThreadCache.MagazineOf(cache, sizeClass);
        Depot depot = _depots[sizeClass];
        BlockFault fault = BlockFault.None;
        Invariant.Assert(cache->Tag == _tag && sizeClass < SizeClass.Count, $"A magazine of class {sizeClass} overflows, or of another heap.");
        cache->Guard.Enter();
        NoteOverflow(cache, sizeClass);
        Span<nuint> items = magazine.HasSlots ? magazine.Normalize() : default;
        if (items.Length != 0 && items.Length >= magazine.Capacity)
        {
            Invariant.Assert(
                cache->Guard.IsHeld && items.Length <= ThreadCache.AllowanceOf(cache, sizeClass).Slots,
                $"A magazine of {ThreadCache.AllowanceOf(cache, sizeClass).Slots} slots holds {items.Length} items.");
            int older = Math.Max(items.Length / 2, 1);
            fault = depot.Put(items[..older]);
            items[older..].CopyTo(items);
            magazine.SetItems(items.Length - older);
        }

        if (!magazine.TryPush(block))
        {
            BlockFault own = depot.Put(new ReadOnlySpan<nuint>(in block));
            fault = fault.Kind == BlockFaultKind.None ? own : fault;
        }

        cache->Guard.Exit();
        ThrowIfFault(fault);
    }

    /// <summary>Bytes of the block that begins at an address; 0 when none does.</summary>
    private nuint BlockBytesOf(nuint address)
    {
        if (!_space.Contains(address))
        {
            return BytesOutside(address);
        }

        nuint sizeClass = _space.OwnerOf(address) ^ _tag;
        if (sizeClass >= SizeClass.Count)
        {
            return 0;
        }

        return _depots[sizeClass].IsBlockOutside(address) ? _depots[sizeClass].Geometry.BlockBytes : 0;
    }
}
