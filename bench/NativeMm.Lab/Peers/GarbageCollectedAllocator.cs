using System.Runtime.CompilerServices;

namespace NativeMm.Lab.Peers;

/// <summary>A new array for every block; freeing is forgetting. It knows no alignments.</summary>
internal readonly struct GarbageCollectedAllocator : IAllocatorUnderTest<ArrayHandle>
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ArrayHandle Alloc(nuint bytes) => new(new byte[bytes]);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ArrayHandle AllocZeroed(nuint bytes) => Alloc(bytes);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ArrayHandle AlignedAlloc(nuint bytes, nuint alignment) => Alloc(bytes);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ArrayHandle Realloc(ArrayHandle block, nuint bytes)
    {
        byte[] old = block.Array!;
        Array.Resize(ref old, checked((int)bytes));
        return new ArrayHandle(old);
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Free(ArrayHandle block)
    {
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static nuint UsableSize(ArrayHandle block) => (nuint)block.Array!.Length;
}
