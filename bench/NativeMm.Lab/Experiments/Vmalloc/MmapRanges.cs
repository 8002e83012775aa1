using NativeMm.Lab.Baselines;
using NativeMm.Primitives;

namespace NativeMm.Lab.Experiments.Vmalloc;

/// <summary>Calls <see cref="MmapAllocator"/> directly.</summary>
internal readonly struct MmapRanges(MmapAllocator allocator) : IVmallocUnderTest
{
    /// <inheritdoc/>
    public nuint Alloc(nuint bytes, nuint alignment) => allocator.Alloc(bytes, alignment);

    /// <inheritdoc/>
    public nuint AllocNoBlock(nuint bytes) => throw NotPossible("an allocation that does not wait");

    /// <inheritdoc/>
    public void Free(nuint address, nuint bytes) => allocator.Free(address, bytes);

    /// <inheritdoc/>
    public void PrepareMapRam(int threads, int pages) => allocator.PrepareFiles(threads, (nuint)pages * Pfn.FrameBytes);

    /// <inheritdoc/>
    public nuint MapRam(int thread, int pages) => allocator.MapFile(thread, (nuint)pages * Pfn.FrameBytes);

    /// <inheritdoc/>
    public void UnmapRam(nuint address, int pages) => allocator.UnmapFile(address, (nuint)pages * Pfn.FrameBytes);

    /// <inheritdoc/>
    public nuint AllocPerCore(nuint bytes, nuint alignment) => throw NotPossible("objects that exist once for every core");

    /// <inheritdoc/>
    public void FreePerCore(nuint handle) => throw NotPossible("objects that exist once for every core");

    /// <inheritdoc/>
    public long CountUnmapCalls(long frees) => frees;

    private static NotSupportedException NotPossible(string what) => new($"Bare mappings know no such thing as {what}.");
}
