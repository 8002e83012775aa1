using System.Runtime.CompilerServices;

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
