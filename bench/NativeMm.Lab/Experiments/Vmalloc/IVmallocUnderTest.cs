namespace NativeMm.Lab.Experiments.Vmalloc;

/// <summary>
/// Something that hands out contiguous pages, as the kernel's tests see it. Implementations are structs around a sealed class, so that the
/// JIT compiles every loop once for each of them, with direct calls. All members may be called by several threads.
/// </summary>
internal interface IVmallocUnderTest
{
    /// <summary>Allocates readable and writable pages; 0 when it cannot.</summary>
    /// <param name="bytes">A multiple of a page.</param>
    /// <param name="alignment">A power of two; below a page it means a page.</param>
    nuint Alloc(nuint bytes, nuint alignment);

    /// <summary>
    /// The same, aligned to a page, by the call for whoever would rather be refused than wait. The library has none: there it is the usual call, which
    /// may wait for a purge or purge by itself before it refuses.
    /// </summary>
    nuint AllocNoBlock(nuint bytes);

    /// <summary>Frees what one of the two gave.</summary>
    void Free(nuint address, nuint bytes);

    /// <summary>Prepares pages for <see cref="MapRam"/>.</summary>
    /// <param name="threads">Number of threads that will call it.</param>
    /// <param name="pages">Pages of each of them.</param>
    void PrepareMapRam(int threads, int pages);

    /// <summary>Makes a thread's prepared pages appear in one piece; 0 when it cannot.</summary>
    nuint MapRam(int thread, int pages);

    /// <summary>Undoes <see cref="MapRam"/>.</summary>
    void UnmapRam(nuint address, int pages);

    /// <summary>Allocates an object that exists once for every core; 0 when it cannot.</summary>
    nuint AllocPerCore(nuint bytes, nuint alignment);

    /// <summary>Frees what <see cref="AllocPerCore"/> gave.</summary>
    void FreePerCore(nuint handle);

    /// <summary>System calls so far that unmapped something.</summary>
    /// <param name="frees">How many areas were freed so far, for whoever makes one call for each.</param>
    long CountUnmapCalls(long frees);
}
