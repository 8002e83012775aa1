using NativeMm.Heap;

namespace NativeMm.Lab.Peers;

/// <summary>NativeMm's process-wide heap, called as a service would call it.</summary>
internal readonly unsafe struct NativeMmAllocator : IAllocatorUnderTest<AddressHandle>
{
    // A static readonly reference of a sealed type: optimized code knows the object and needs no null check.
    private static readonly NativeHeap s_heap = NativeHeap.Shared;

    /// <inheritdoc/>
    public static AddressHandle Alloc(nuint bytes) => new(s_heap.Alloc(bytes));

    /// <inheritdoc/>
    public static AddressHandle AllocZeroed(nuint bytes) => new(s_heap.AllocZeroed(bytes));

    /// <inheritdoc/>
    public static AddressHandle AlignedAlloc(nuint bytes, nuint alignment) => new(s_heap.AlignedAlloc(bytes, alignment));

    /// <inheritdoc/>
    public static AddressHandle Realloc(AddressHandle block, nuint bytes) => new(s_heap.Realloc(block.Address, bytes));

    /// <inheritdoc/>
    public static void Free(AddressHandle block) => s_heap.Free(block.Address);

    /// <inheritdoc/>
    public static nuint UsableSize(AddressHandle block) => s_heap.UsableSize(block.Address);
}
