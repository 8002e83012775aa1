using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace NativeMm.Lab.Peers;

/// <summary>
/// The framework's <see cref="NativeMemory"/> over whatever <c>malloc</c> is in force: the C library's, or a preloaded one. Blocks of
/// every origin go back through <see cref="NativeMemory.Free"/>, which on Unix is <c>free</c> as for aligned blocks too.
/// </summary>
internal readonly unsafe struct NativeMemoryAllocator : IAllocatorUnderTest<AddressHandle>
{
    // Asked from the whole program rather than from the C library, so that a preloaded library answers for its own blocks.
    private static readonly delegate* unmanaged<void*, nuint> s_usableSize =
        (delegate* unmanaged<void*, nuint>)NativeLibrary.GetExport(NativeLibrary.GetMainProgramHandle(), "malloc_usable_size");

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static AddressHandle Alloc(nuint bytes) => new(NativeMemory.Alloc(bytes));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static AddressHandle AllocZeroed(nuint bytes) => new(NativeMemory.AllocZeroed(bytes));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static AddressHandle AlignedAlloc(nuint bytes, nuint alignment) => new(NativeMemory.AlignedAlloc(bytes, alignment));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static AddressHandle Realloc(AddressHandle block, nuint bytes) => new(NativeMemory.Realloc(block.Address, bytes));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Free(AddressHandle block) => NativeMemory.Free(block.Address);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static nuint UsableSize(AddressHandle block) => s_usableSize(block.Address);
}
