using System.Runtime.CompilerServices;
using NativeMm.Diagnostics;

namespace NativeMm.Heap;

/// <content>
/// The hit paths as the library itself calls them, over any heap. A program's own <see cref="Alloc(nuint)"/> compares the heap with the shared one, which is made
/// then if it was not. A cache or a space over a runtime of its own must not make a second runtime in passing.
/// </content>
public sealed unsafe partial class NativeHeap
{
    /// <inheritdoc cref="Alloc(nuint)"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void* AllocHere(nuint byteCount) => _isOnStack ? Alloc(byteCount) : AllocOther(byteCount);

    /// <summary>Allocates a block above all classes, and says what may be used of it. For a heap that is not checked.</summary>
    /// <exception cref="OutOfMemoryException">The system refuses the memory.</exception>
    internal void* AllocLarge(nuint byteCount, out nuint usable)
    {
        Invariant.Assert(_checked is null && byteCount > SizeClass.BytesMax, $"A large block of {byteCount} bytes is taken past the classes, or past the checks.");
        ThrowIfDisposed();
        void* block = TryAllocLarge(byteCount, AlignmentNatural, zeroed: false, out usable);
        return block != null ? block : ThrowOutOfMemory(byteCount, AlignmentNatural);
    }

    /// <inheritdoc cref="AllocZeroed(nuint)"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void* AllocZeroedHere(nuint byteCount) => _isOnStack ? AllocZeroed(byteCount) : AllocZeroedSlow(byteCount, here: 0);

    /// <inheritdoc cref="Free"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void FreeHere(void* block)
    {
        if (_isOnStack)
        {
            Free(block);
        }
        else
        {
            FreeOther(block);
        }
    }
}
