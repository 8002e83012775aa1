using System.Buffers;
using System.Runtime.CompilerServices;

namespace NativeMm.Lab.Peers;

/// <summary>The framework's shared array pool. It knows no alignments and gives up to twice what was asked for.</summary>
internal readonly struct ArrayPoolAllocator : IAllocatorUnderTest<ArrayHandle>
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ArrayHandle Alloc(nuint bytes) => new(ArrayPool<byte>.Shared.Rent(checked((int)bytes)));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ArrayHandle AllocZeroed(nuint bytes)
    {
        ArrayHandle block = Alloc(bytes);
        block.Array.AsSpan(0, (int)bytes).Clear();
        return block;
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ArrayHandle AlignedAlloc(nuint bytes, nuint alignment) => Alloc(bytes);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ArrayHandle Realloc(ArrayHandle block, nuint bytes)
    {
        byte[] old = block.Array!;
        if ((nuint)old.Length >= bytes && (nuint)old.Length / 2 <= bytes)
        {
            return block;
        }

        ArrayHandle moved = Alloc(bytes);
        old.AsSpan(0, (int)nuint.Min(bytes, (nuint)old.Length)).CopyTo(moved.Array);
        ArrayPool<byte>.Shared.Return(old);
        return moved;
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Free(ArrayHandle block) => ArrayPool<byte>.Shared.Return(block.Array!);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static nuint UsableSize(ArrayHandle block) => (nuint)block.Array!.Length;
}
