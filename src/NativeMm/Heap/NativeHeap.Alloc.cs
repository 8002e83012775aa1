using System.Numerics;
using System.Runtime.CompilerServices;
using NativeMm.Diagnostics;
using NativeMm.Primitives;
using StackPages = NativeMm.Platform.StackPages<NativeMm.Heap.ThreadCache>;

namespace NativeMm.Heap;

/// <content>Allocation: the hit path, its refill, and everything that is rare.</content>
public sealed unsafe partial class NativeHeap
{
    /// <summary>From this size on a block from a slab may be known to be zero, so that clearing and touching it is saved.</summary>
    private const nuint UntouchedBytesMin = 16 << 10;

    /// <summary>Allocates a block.</summary>
    /// <param name="byteCount">Bytes; 0 counts as 1.</param>
    /// <returns>The block's address. The caller owns it until <see cref="Free"/>.</returns>
    /// <exception cref="OutOfMemoryException">There are no frames left; the message says what was asked, what is free and what the limit is.</exception>
    /// <exception cref="ObjectDisposedException">The heap was disposed.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void* Alloc(nuint byteCount)
    {
        nuint here = StackPages.Here;
        nuint* entry = StackPages.EntryOf(here);
        if (!ReferenceEquals(this, s_shared))
        {
            return AllocOther(byteCount);
        }

        if (StackPages.Knows(entry, here) && byteCount <= SizeClass.SmallBytesMax)
        {
            ThreadCache* cache = StackPages.Of(entry);
            Magazine magazine = ThreadCache.MagazineAt(cache, SmallPlaces.Of(s_smallPlaces, byteCount));
            nuint slot = magazine.PopClaim();
            if (magazine.PopIsGranted(slot))
            {
                return *(void**)slot;
            }
        }

        return AllocSlow(byteCount, here);
    }

    /// <summary>Allocates a block for an array.</summary>
    /// <param name="elementCount">Number of elements.</param>
    /// <param name="elementSize">Bytes of one element.</param>
    /// <returns>Address of <paramref name="elementCount"/> × <paramref name="elementSize"/> bytes, never null, also for 0. The caller owns them and frees them once, by <see cref="Free(void*)"/>.</returns>
    /// <exception cref="OutOfMemoryException">The product overflows, or there is no memory.</exception>
    public void* Alloc(nuint elementCount, nuint elementSize) => Alloc(Product(elementCount, elementSize));

    /// <summary>Allocates a typed array.</summary>
    /// <typeparam name="T">Element type.</typeparam>
    /// <param name="count">Number of elements.</param>
    /// <returns>Address of the first element, never null, also for a count of 0. The caller owns the block and frees it once, by <see cref="Free(void*)"/>.</returns>
    /// <exception cref="OutOfMemoryException">The size overflows, or there is no memory.</exception>
    public T* Alloc<T>(nuint count)
        where T : unmanaged => (T*)Alloc(Product(count, (nuint)sizeof(T)));

    /// <summary>Allocates a block if there is memory.</summary>
    /// <param name="byteCount">Bytes; 0 counts as 1.</param>
    /// <param name="block">The block, or null.</param>
    /// <returns>Whether a block was allocated.</returns>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public bool TryAlloc(nuint byteCount, out void* block)
    {
        block = TryAllocBy(CurrentCache(), byteCount);
        return block != null;
    }

    /// <summary>Allocates a block whose <paramref name="byteCount"/> bytes read as zero. What the block has beyond them is undefined, also after <see cref="Realloc"/>.</summary>
    /// <inheritdoc cref="Alloc(nuint)"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void* AllocZeroed(nuint byteCount)
    {
        nuint here = StackPages.Here;
        nuint* entry = StackPages.EntryOf(here);
        if (!ReferenceEquals(this, s_shared) || !StackPages.Knows(entry, here) || byteCount - 1 >= ZeroFill.SmallBytesMax)
        {
            return AllocZeroedSlow(byteCount, here);
        }

        ThreadCache* cache = StackPages.Of(entry);
        Magazine magazine = ThreadCache.MagazineAt(cache, SmallPlaces.Of(s_smallPlaces, byteCount));
        nuint slot = magazine.PopClaim();
        return ZeroFill.Small(magazine.PopIsGranted(slot) ? *(void**)slot : AllocRest(cache, byteCount), byteCount);
    }

    /// <summary>Allocates a block for an array that reads as zero.</summary>
    /// <inheritdoc cref="Alloc(nuint, nuint)"/>
    public void* AllocZeroed(nuint elementCount, nuint elementSize) => AllocZeroed(Product(elementCount, elementSize));

    /// <summary>Allocates a typed array that reads as zero.</summary>
    /// <inheritdoc cref="Alloc{T}(nuint)"/>
    public T* AllocZeroed<T>(nuint count)
        where T : unmanaged => (T*)AllocZeroed(Product(count, (nuint)sizeof(T)));

    /// <summary>Allocates a block at a multiple of a power of two.</summary>
    /// <param name="byteCount">Bytes; 0 counts as 1.</param>
    /// <param name="alignment">A power of two, as large as the address space allows.</param>
    /// <returns>The block's address; free it with <see cref="Free"/> or <see cref="AlignedFree"/>, which are the same.</returns>
    /// <exception cref="ArgumentException"><paramref name="alignment"/> is not a power of two.</exception>
    /// <exception cref="OutOfMemoryException">There is no memory.</exception>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public void* AlignedAlloc(nuint byteCount, nuint alignment)
    {
        if (!BitOperations.IsPow2(alignment))
        {
            throw new ArgumentException($"An alignment is a power of two from 1 up, not {alignment}.", nameof(alignment));
        }

        if (alignment <= AlignmentNatural)
        {
            return Alloc(byteCount);
        }

        byteCount = Math.Max(byteCount, 1);
        void* block = TryAllocAligned(byteCount, alignment);
        return block != null ? block : ThrowOutOfMemory(byteCount, alignment);
    }

    /// <summary><see cref="Alloc(nuint)"/> of a heap that is not the shared one.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void* AllocOther(nuint byteCount) => TryAlloc(byteCount, out void* block) ? block : ThrowOutOfMemory(byteCount, AlignmentNatural);

    /// <summary>
    /// What the hit path could not do. One cold call for all its reasons, which are told apart again here: what is inlined into a loop stays small enough
    /// for the compiler to look the thread up before the loop. A small size on a known page means a refused pop.
    /// </summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void* AllocSlow(nuint byteCount, nuint here)
    {
        nuint* entry = StackPages.EntryOf(here);
        return StackPages.Knows(entry, here) ? AllocRest(StackPages.Of(entry), byteCount) : AllocUnknown(byteCount, here);
    }

    /// <summary>What follows a refused pop of a small size, or an answer for larger ones: they pop here. Static, so that no caller loads a reference.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void* AllocRest(ThreadCache* cache, nuint byteCount)
    {
        void* block = byteCount <= SizeClass.SmallBytesMax
            ? s_shared.TryAllocRefill(cache, SizeClass.IndexOfLast(Math.Max(byteCount, 1) - 1), byteCount)
            : s_shared.TryAllocBy(cache, byteCount);
        return block != null ? block : s_shared.ThrowOutOfMemory(byteCount, AlignmentNatural);
    }

    /// <summary>An allocation on a page of the stack that is not entered: a thread that is new to the heap, or deeper than before.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void* AllocUnknown(nuint byteCount, nuint here)
    {
        ThreadCache* cache = EnterStack(here);
        void* block = s_shared.TryAllocBy(cache, byteCount);
        return block != null ? block : s_shared.ThrowOutOfMemory(byteCount, AlignmentNatural);
    }

    /// <summary>The thread's cache of the shared heap by its thread-static pointer, entered for the page of the caller; null if it has none yet.</summary>
    private static ThreadCache* EnterStack(nuint here)
    {
        ThreadCache* cache = SharedHeapThread.t_cache;
        if (cache != null)
        {
            Invariant.Assert(cache->Tag == s_shared._tag, "A stack leads to a cache that is not the shared heap's.");
            StackPages.Enter(cache, here);
        }

        return cache;
    }

    /// <summary>Allocates by a cache that may be missing.</summary>
    private void* TryAllocBy(ThreadCache* cache, nuint byteCount)
    {
        Invariant.Assert(cache == null || cache->Tag == _tag, "A block is allocated by a cache of another heap.");
        if (cache == null || byteCount > SizeClass.BytesMax)
        {
            return TryAllocCold(byteCount);
        }

        nuint sizeClass = SizeClass.IndexOfLast(Math.Max(byteCount, 1) - 1);
        return ThreadCache.MagazineOf(cache, sizeClass).TryPop(out nuint block) ? (void*)block : TryAllocRefill(cache, sizeClass, byteCount);
    }

    /// <summary>No cache yet, a size above all classes, or checked mode.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void* TryAllocCold(nuint byteCount)
    {
        ThrowIfDisposed();
        byteCount = Math.Max(byteCount, 1);
        if (_checked is not null)
        {
            return _checked.Alloc(byteCount, AlignmentNatural, zeroed: false);
        }

        if (byteCount > SizeClass.BytesMax)
        {
            return TryAllocLarge(byteCount, AlignmentNatural, zeroed: false);
        }

        nuint sizeClass = SizeClass.IndexOfLast(byteCount - 1);
        ThreadCache* cache = AttachCache();
        Invariant.Assert(cache == null || cache->Tag == _tag, "A thread is given a cache of another heap.");
        if (cache == null)
        {
            return _depots[sizeClass].TryTakeOne(out nuint single, out _) ? (void*)single : TryAllocOverflow(byteCount, zeroed: false);
        }

        return ThreadCache.MagazineOf(cache, sizeClass).TryPop(out nuint block) ? (void*)block : TryAllocRefill(cache, sizeClass, byteCount);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void* AllocZeroedSlow(nuint byteCount, nuint here)
    {
        nuint* entry = StackPages.EntryOf(here);
        if (_isOnStack && StackPages.Knows(entry, here) && byteCount - 1 < SizeClass.SmallBytesMax)
        {
            ThreadCache* cache = StackPages.Of(entry);
            void* small = ThreadCache.MagazineAt(cache, SmallPlaces.Of(s_smallPlaces, byteCount)).TryPop(out nuint popped) ? (void*)popped : AllocRest(cache, byteCount);
            new Span<byte>(small, (int)byteCount).Clear();
            return small;
        }

        ThrowIfDisposed();
        if (_isOnStack)
        {
            EnterStack(here);
        }

        byteCount = Math.Max(byteCount, 1);
        void* block = TryAllocZeroed(byteCount);
        return block != null ? block : ThrowOutOfMemory(byteCount, AlignmentNatural);
    }

    private void* TryAllocZeroed(nuint byteCount)
    {
        Invariant.Assert(byteCount != 0, "A block of no bytes has no class.");
        if (_checked is not null)
        {
            return _checked.Alloc(byteCount, AlignmentNatural, zeroed: true);
        }

        if (byteCount > SizeClass.BytesMax)
        {
            return TryAllocLarge(byteCount, AlignmentNatural, zeroed: true);
        }

        nuint sizeClass = SizeClass.IndexOfLast(byteCount - 1);
        ThreadCache* cache = CurrentCache();
        if (cache != null && byteCount >= UntouchedBytesMin && ThreadCache.MagazineOf(cache, sizeClass).Count == 0)
        {
            void* sample = TryAllocProfiledZeroed(SizeClass.BlockBytesFor(byteCount));
            if (sample != null)
            {
                return sample;
            }

            void* untouched = TryAllocUntouched(_depots[sizeClass], byteCount);
            return untouched != null ? untouched : TryAllocOverflow(byteCount, zeroed: true);
        }

        if (!TryAlloc(byteCount, out void* block))
        {
            return null;
        }

        new Span<byte>(block, (int)byteCount).Clear();
        return block;
    }

    private static void* TryAllocUntouched(Depot depot, nuint byteCount)
    {
        if (!depot.TryTakeOne(out nuint block, out bool knownZero))
        {
            return null;
        }

        Invariant.Assert(byteCount <= depot.Geometry.BlockBytes, $"A block of {depot.Geometry.BlockBytes} bytes is handed out for {byteCount}.");
        if (!knownZero)
        {
            new Span<byte>((void*)block, (int)byteCount).Clear();
        }

        return (void*)block;
    }

    private void* TryAllocAligned(nuint byteCount, nuint alignment)
    {
        ThrowIfDisposed();
        if (_checked is not null)
        {
            return _checked.Alloc(byteCount, alignment, zeroed: false);
        }

        nuint classBytes = ClassBytesFor(byteCount, alignment);
        if (classBytes == 0)
        {
            return TryAllocLarge(byteCount, alignment, zeroed: false);
        }

        bool allocated = TryAlloc(classBytes, out void* block);
        Invariant.Assert(!allocated || ((nuint)block & (alignment - 1)) == 0, $"The block at 0x{(nuint)block:x} is handed out for an alignment of {alignment}.");
        return allocated ? block : null;
    }

    /// <summary>
    /// Bytes of the smallest class whose blocks all lie at multiples of the alignment; 0 when there is none. A slab begins at a multiple of its
    /// own size, up to the zone's 2 MiB, so blocks do if their size is a multiple.
    /// </summary>
    private static nuint ClassBytesFor(nuint byteCount, nuint alignment)
    {
        Invariant.Assert(BitOperations.IsPow2(alignment), $"An alignment of {alignment} is no power of two.");
        if (alignment > SizeClass.BytesMax || byteCount > SizeClass.BytesMax)
        {
            return 0;
        }

        for (int i = SizeClass.ForBytes(Math.Max(byteCount, alignment)).Value; i < SizeClass.Count; i++)
        {
            nuint bytes = new SizeClass(i).BlockBytes;
            if ((bytes & (alignment - 1)) == 0)
            {
                return bytes;
            }
        }

        return 0;
    }

    private void* TryAllocLarge(nuint byteCount, nuint alignment, bool zeroed) => TryAllocLarge(byteCount, alignment, zeroed, out _);

    private void* TryAllocLarge(nuint byteCount, nuint alignment, bool zeroed, out nuint length)
    {
        bool allocated = _large.TryAlloc(byteCount, alignment, zeroed, out nuint block, out length);
        if (!allocated)
        {
            Trim();
            allocated = _large.TryAlloc(byteCount, alignment, zeroed, out block, out length);
        }

        if (allocated)
        {
            Invariant.Assert(!_space.Contains(block), $"A large block at 0x{block:x} lies in the zone.");
            ProfileLarge(block, byteCount);
            PrepareReleaseIfWorth();
        }

        return allocated ? (void*)block : null;
    }

    private static nuint Product(nuint count, nuint size)
    {
        nuint bytes = unchecked(count * size);
        return size != 0 && bytes / size != count
            ? throw new OutOfMemoryException($"{count} elements of {size} bytes are more than the address space holds.")
            : bytes;
    }
}
