using NativeMm.Vmap;

namespace NativeMm.Lab.Experiments.Vmalloc;

/// <summary>Calls <see cref="VmapAllocator"/> directly.</summary>
internal readonly unsafe struct VmapRanges(VmapAllocator allocator, VmapFrames frames) : IVmallocUnderTest
{
    /// <inheritdoc/>
    public nuint Alloc(nuint bytes, nuint alignment) =>
        allocator.TryAlloc(bytes, VmapFlags.None, alignment, out void* address) ? (nuint)address : 0;

    /// <inheritdoc/>
    public nuint AllocNoBlock(nuint bytes) => allocator.TryAlloc(bytes, VmapFlags.None, 0, out void* address) ? (nuint)address : 0;

    /// <inheritdoc/>
    public void Free(nuint address, nuint bytes) => allocator.Free((void*)address);

    /// <inheritdoc/>
    public void PrepareMapRam(int threads, int pages) => frames.Prepare(threads, pages);

    /// <inheritdoc/>
    public nuint MapRam(int thread, int pages) => (nuint)allocator.MapRam(frames.Of(thread)[..pages]);

    /// <inheritdoc/>
    public void UnmapRam(nuint address, int pages) => allocator.UnmapRam((void*)address, pages);

    /// <inheritdoc/>
    public nuint AllocPerCore(nuint bytes, nuint alignment) => (nuint)allocator.AllocPerCore(bytes).Address;

    /// <inheritdoc/>
    public void FreePerCore(nuint handle) => allocator.Free((void*)handle);

    /// <inheritdoc/>
    public long CountUnmapCalls(long frees) => allocator.GetStatistics().UnmapCalls;
}
