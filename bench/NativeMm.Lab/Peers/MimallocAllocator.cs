using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace NativeMm.Lab.Peers;

/// <summary>
/// mimalloc through function pointers without a garbage-collector transition: the fastest way in which a .NET program can call it.
/// </summary>
internal readonly unsafe struct MimallocAllocator : IAllocatorUnderTest<AddressHandle>
{
    private static readonly nint s_library = NativeLibrary.Load(LibraryLocator.Mimalloc ?? "libmimalloc.so.2");

    private static readonly delegate* unmanaged[SuppressGCTransition]<nuint, void*> s_malloc =
        (delegate* unmanaged[SuppressGCTransition]<nuint, void*>)NativeLibrary.GetExport(s_library, "mi_malloc");

    private static readonly delegate* unmanaged[SuppressGCTransition]<nuint, void*> s_zalloc =
        (delegate* unmanaged[SuppressGCTransition]<nuint, void*>)NativeLibrary.GetExport(s_library, "mi_zalloc");

    private static readonly delegate* unmanaged[SuppressGCTransition]<nuint, nuint, void*> s_mallocAligned =
        (delegate* unmanaged[SuppressGCTransition]<nuint, nuint, void*>)NativeLibrary.GetExport(s_library, "mi_malloc_aligned");

    private static readonly delegate* unmanaged[SuppressGCTransition]<void*, nuint, void*> s_realloc =
        (delegate* unmanaged[SuppressGCTransition]<void*, nuint, void*>)NativeLibrary.GetExport(s_library, "mi_realloc");

    private static readonly delegate* unmanaged[SuppressGCTransition]<void*, void> s_free =
        (delegate* unmanaged[SuppressGCTransition]<void*, void>)NativeLibrary.GetExport(s_library, "mi_free");

    private static readonly delegate* unmanaged[SuppressGCTransition]<void*, nuint> s_usableSize =
        (delegate* unmanaged[SuppressGCTransition]<void*, nuint>)NativeLibrary.GetExport(s_library, "mi_usable_size");

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static AddressHandle Alloc(nuint bytes) => new(s_malloc(bytes));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static AddressHandle AllocZeroed(nuint bytes) => new(s_zalloc(bytes));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static AddressHandle AlignedAlloc(nuint bytes, nuint alignment) => new(s_mallocAligned(bytes, alignment));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static AddressHandle Realloc(AddressHandle block, nuint bytes) => new(s_realloc(block.Address, bytes));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Free(AddressHandle block) => s_free(block.Address);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static nuint UsableSize(AddressHandle block) => s_usableSize(block.Address);
}
