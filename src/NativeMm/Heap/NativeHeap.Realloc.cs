using System.Numerics;
using System.Runtime.CompilerServices;
using NativeMm.Diagnostics;

namespace NativeMm.Heap;

/// <content>Changing a block's size.</content>
public sealed unsafe partial class NativeHeap
{
    /// <summary>
    /// Changes a block's size, keeping its content up to the smaller of both sizes. The block stays where it is when the new size still fits
    /// and uses at least half of it, and large blocks are remapped rather than copied where the system can. Bytes beyond the old size are undefined,
    /// also those of a block that was allocated as zero. A block that moves has the alignment of its new size; one that was allocated with a larger one
    /// keeps it by <see cref="AlignedRealloc"/>.
    /// </summary>
    /// <param name="block">A live block of this heap, or null, which allocates.</param>
    /// <param name="byteCount">The new size in bytes; 0 counts as 1.</param>
    /// <returns>The block's address, which may have changed; the old one is then no longer valid.</returns>
    /// <exception cref="OutOfMemoryException">There is no memory; the old block is untouched.</exception>
    /// <exception cref="MemoryFaultException">The pointer is not a block of this heap.</exception>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public void* Realloc(void* block, nuint byteCount)
    {
        ThreadCache* cache = CurrentCache();
        if (cache == null || !ThreadCache.TryClassOf(cache, block, out nuint sizeClass))
        {
            return ReallocSlow(block, byteCount, AlignmentNatural);
        }

        ref readonly SlabGeometry geometry = ref SlabGeometry.Of(new SizeClass((int)sizeClass));
        nuint usable = geometry.BlockBytes;
        if (StaysInPlace(usable, byteCount) || (geometry.IsRun && TryGrowRun((nuint)block, usable, byteCount)))
        {
            return block;
        }

        // What is copied would reach behind the block, perhaps to where no memory is.
        if (geometry.IndexOf((nuint)block - cache->BaseAddress) < 0)
        {
            throw Fault((nuint)block);
        }

        void* moved = TryAllocBy(cache, byteCount);
        if (moved == null)
        {
            return ThrowOutOfMemory(byteCount, AlignmentNatural);
        }

        Invariant.Assert(moved != block, $"The block at 0x{(nuint)block:x} was handed out again while it was in use.");
        nuint kept = Math.Min(usable, byteCount);
        if (_sampled is null)
        {
            BlockCopy.Small(block, moved, kept);
        }
        else
        {
            // A guarded block ends where it was asked to, and a byte behind it is an overrun.
            Copy(block, moved, kept);
        }

        if (!ThreadCache.MagazineOf(cache, sizeClass).TryPush((nuint)block))
        {
            FreeMoved(block, moved);
        }

        return moved;
    }

    /// <summary>As <see cref="Realloc(void*, nuint)"/>, for a block that must keep lying at a multiple of a power of two.</summary>
    /// <param name="block">A live block of this heap, or null, which allocates.</param>
    /// <param name="byteCount">The new size in bytes; 0 counts as 1.</param>
    /// <param name="alignment">A power of two.</param>
    /// <returns>Address of the block, as of <see cref="Realloc(void*, nuint)"/>: the old one is not valid any more if it is another.</returns>
    /// <exception cref="ArgumentException"><paramref name="alignment"/> is not a power of two.</exception>
    /// <exception cref="MemoryFaultException">The address is not the start of a live block of this heap.</exception>
    /// <exception cref="OutOfMemoryException">There is no memory; the block stays as it was.</exception>
    /// <exception cref="ObjectDisposedException">The heap is disposed.</exception>
    public void* AlignedRealloc(void* block, nuint byteCount, nuint alignment)
    {
        if (!BitOperations.IsPow2(alignment))
        {
            throw new ArgumentException($"An alignment is a power of two from 1 up, not {alignment}.", nameof(alignment));
        }

        return alignment <= AlignmentNatural ? Realloc(block, byteCount) : ReallocSlow(block, byteCount, alignment);
    }

    /// <summary>A block stays where it is when the new size fits and uses at least half of it.</summary>
    private static bool StaysInPlace(nuint usable, nuint byteCount) => byteCount <= usable && byteCount >= usable / 2;

    private static void Copy(void* from, void* to, nuint bytes) => Buffer.MemoryCopy(from, to, bytes, bytes);

    private void* ReallocSlow(void* block, nuint byteCount, nuint alignment)
    {
        if (block == null)
        {
            return AlignedAlloc(byteCount, alignment);
        }

        ThrowIfDisposed();
        byteCount = Math.Max(byteCount, 1);
        if (_checked is not null && alignment <= AlignmentNatural)
        {
            void* result = _checked.Realloc(block, byteCount);
            return result != null ? result : ThrowOutOfMemory(byteCount, alignment);
        }

        nuint usable = UsableSize(block);
        bool isAligned = ((nuint)block & (alignment - 1)) == 0;
        if (_checked is null && isAligned)
        {
            if (StaysInPlace(usable, byteCount) || TryGrowRun((nuint)block, usable, byteCount))
            {
                return block;
            }

            if (TryRemap(block, usable, byteCount, alignment, out void* remapped))
            {
                return remapped;
            }
        }

        void* moved = AlignedAlloc(byteCount, alignment);
        Invariant.Assert(
            moved != block && ((nuint)moved & (alignment - 1)) == 0, $"The block at 0x{(nuint)block:x} moves to 0x{(nuint)moved:x}, to a multiple of {alignment}.");
        Copy(block, moved, Math.Min(usable, byteCount));
        FreeMoved(block, moved);
        return moved;
    }

    /// <summary>
    /// Frees a block whose content is elsewhere by now. The flush may find a mistake: one with another block leaves its event, because the caller has nothing but the new block.
    /// One with this block takes the new one back.
    /// </summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void FreeMoved(void* block, void* moved)
    {
        try
        {
            FreeHere(block);
        }
        catch (MemoryFaultException fault) when ((fault.Kind is MemoryFaultKind.DoubleFree or MemoryFaultKind.NotBlockStart) && fault.Address != (nuint)block)
        {
            // It left its event.
        }
        catch (MemoryFaultException)
        {
            FreeForgotten(moved);
            throw;
        }
    }

    private bool TryRemap(void* block, nuint usable, nuint byteCount, nuint alignment, out void* remapped)
    {
        remapped = null;
        if (usable <= SizeClass.BytesMax || byteCount <= SizeClass.BytesMax || alignment > _space.Platform.PageBytes
            || !TryResizeLarge((nuint)block, byteCount, out nuint moved))
        {
            return false;
        }

        Invariant.Assert((moved & (alignment - 1)) == 0 && !_space.Contains(moved), $"A large block moved to 0x{moved:x}, to a multiple of {alignment}.");
        remapped = (void*)moved;
        return true;
    }
}
