using System.Numerics;

namespace NativeMm.Heap;

/// <content>Changing a block's size.</content>
public sealed unsafe partial class NativeHeap
{
    /// <summary>
    /// Changes a block's size, keeping its content up to the smaller of both sizes. The block stays where it is when the new size still fits
    /// and uses at least half of it, and large blocks are remapped rather than copied where the system can.
    /// </summary>
    /// <param name="block">A live block of this heap, or null, which allocates.</param>
    /// <param name="byteCount">The new size in bytes; 0 counts as 1.</param>
    /// <returns>The block's address, which may have changed; the old one is then no longer valid.</returns>
    /// <exception cref="OutOfMemoryException">There is no memory; the old block is untouched.</exception>
    /// <exception cref="Diagnostics.MemoryFaultException">The pointer is not a block of this heap.</exception>
    public void* Realloc(void* block, nuint byteCount) => Realloc(block, byteCount, AlignmentNatural);

    /// <summary>As <see cref="Realloc(void*, nuint)"/>, for a block that must keep lying at a multiple of a power of two.</summary>
    /// <param name="block">A live block of this heap, or null, which allocates.</param>
    /// <param name="byteCount">The new size in bytes; 0 counts as 1.</param>
    /// <param name="alignment">A power of two.</param>
    public void* AlignedRealloc(void* block, nuint byteCount, nuint alignment)
    {
        return block == null || !BitOperations.IsPow2(alignment) || ((nuint)block & (alignment - 1)) != 0
            ? Move(block, AlignedAlloc(byteCount, alignment), byteCount)
            : Realloc(block, byteCount, alignment);
    }

    private void* Realloc(void* block, nuint byteCount, nuint alignment)
    {
        if (block == null)
        {
            return AlignedAlloc(byteCount, alignment);
        }

        ObjectDisposedException.ThrowIf(_disposed, this);
        byteCount = Math.Max(byteCount, 1);
        if (_checked is not null)
        {
            return alignment <= AlignmentNatural ? _checked.Realloc(block, byteCount) : Move(block, AlignedAlloc(byteCount, alignment), byteCount);
        }

        nuint usable = BlockBytesOf((nuint)block);
        if (usable == 0)
        {
            throw Fault((nuint)block);
        }

        if (byteCount <= usable && byteCount >= usable / 2)
        {
            return block;
        }

        if (usable > SizeClass.BytesMax && byteCount > SizeClass.BytesMax && alignment <= _space.Platform.PageBytes
            && _large.TryResize((nuint)block, byteCount, out nuint moved))
        {
            return (void*)moved;
        }

        return Move(block, AlignedAlloc(byteCount, alignment), byteCount);
    }

    private void* Move(void* from, void* to, nuint byteCount)
    {
        if (from != null)
        {
            nuint bytes = Math.Min(UsableSize(from), byteCount);
            Buffer.MemoryCopy(from, to, bytes, bytes);
            Free(from);
        }

        return to;
    }
}
