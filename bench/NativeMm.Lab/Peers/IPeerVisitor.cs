namespace NativeMm.Lab.Peers;

/// <summary>Something that is to be done with one peer's allocator type.</summary>
/// <typeparam name="TResult">What comes of it.</typeparam>
internal interface IPeerVisitor<TResult>
{
    /// <summary>Called with the allocator's type.</summary>
    TResult Visit<TAllocator, THandle>()
        where TAllocator : struct, IAllocatorUnderTest<THandle>
        where THandle : struct, IBlockHandle;
}
