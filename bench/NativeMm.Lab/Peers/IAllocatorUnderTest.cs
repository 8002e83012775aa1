namespace NativeMm.Lab.Peers;

/// <summary>
/// The calls of an allocator. Implementations are structs and the members static, so that the JIT compiles every workload once an
/// allocator, with direct calls that it may inline.
/// </summary>
/// <typeparam name="THandle">How the allocator names a block: an address or an array. Its default value means no block.</typeparam>
internal interface IAllocatorUnderTest<THandle>
    where THandle : struct, IBlockHandle
{
    /// <summary>Allocates.</summary>
    static abstract THandle Alloc(nuint bytes);

    /// <summary>Allocates memory that reads as zero.</summary>
    static abstract THandle AllocZeroed(nuint bytes);

    /// <summary>Allocates at a multiple of a power of two, as far as the allocator knows alignments.</summary>
    static abstract THandle AlignedAlloc(nuint bytes, nuint alignment);

    /// <summary>Changes a block's size and keeps its content.</summary>
    static abstract THandle Realloc(THandle block, nuint bytes);

    /// <summary>Frees.</summary>
    static abstract void Free(THandle block);

    /// <summary>Bytes that the block's holder may use; at least what he asked for.</summary>
    static abstract nuint UsableSize(THandle block);
}
