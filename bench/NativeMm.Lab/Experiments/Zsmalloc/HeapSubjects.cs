using NativeMm.Lab.Peers;

namespace NativeMm.Lab.Experiments.Zsmalloc;

/// <summary>Makes a <see cref="HeapSubject{TAllocator, THandle}"/> of a peer.</summary>
/// <param name="objects">How many contents it can hold.</param>
internal readonly struct HeapSubjects(int objects) : IPeerVisitor<IDensitySubject>
{
    /// <inheritdoc/>
    public IDensitySubject Visit<TAllocator, THandle>()
        where TAllocator : struct, IAllocatorUnderTest<THandle>
        where THandle : struct, IBlockHandle => new HeapSubject<TAllocator, THandle>(objects);
}
