using System.Runtime.CompilerServices;
using NativeMm.Heap;

namespace NativeMm.Lab.Peers;

/// <summary>NativeMm's process-wide heap, called as a service would call it.</summary>
internal readonly unsafe struct NativeMmAllocator : IAllocatorUnderTest<AddressHandle>
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static AddressHandle Alloc(nuint bytes) => new(NativeHeap.Shared.Alloc(bytes));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static AddressHandle AllocZeroed(nuint bytes) => new(NativeHeap.Shared.AllocZeroed(bytes));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static AddressHandle AlignedAlloc(nuint bytes, nuint alignment) => new(NativeHeap.Shared.AlignedAlloc(bytes, alignment));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static AddressHandle Realloc(AddressHandle block, nuint bytes) => new(NativeHeap.Shared.Realloc(block.Address, bytes));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Free(AddressHandle block) => NativeHeap.Shared.Free(block.Address);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static nuint UsableSize(AddressHandle block) => NativeHeap.Shared.UsableSize(block.Address);
}
