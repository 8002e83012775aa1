namespace NativeMm.Heap.Checked;

/// <summary>What the checked mode asks of the heap under it. Thread-safe.</summary>
internal unsafe interface IRawHeap
{
    /// <summary>Names the heap in messages.</summary>
    string Name { get; }

    /// <summary>Allocates without any check.</summary>
    /// <param name="bytes">Length, at least 1.</param>
    /// <param name="alignment">Power of two, at least 16.</param>
    /// <param name="zeroed">Whether the block must read as zero.</param>
    /// <returns>The block, or null when there is no memory; never an exception for that.</returns>
    void* RawAlloc(nuint bytes, nuint alignment, bool zeroed);

    /// <summary>Frees a block from <see cref="RawAlloc"/>.</summary>
    void RawFree(void* block);
}
