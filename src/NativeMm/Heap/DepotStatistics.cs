namespace NativeMm.Heap;

/// <summary>What a depot holds.</summary>
/// <param name="Slabs">Slabs of the class.</param>
/// <param name="SlabFreeBlocks">Blocks that are free in their slabs.</param>
/// <param name="BatchedBlocks">Blocks in full batches.</param>
/// <param name="SlabsFreed">Slabs that went back to the frames so far.</param>
/// <param name="Acquisitions">How often the lock was taken.</param>
/// <param name="Contentions">How often it was taken after a wait.</param>
internal readonly record struct DepotStatistics(int Slabs, long SlabFreeBlocks, long BatchedBlocks, long SlabsFreed, long Acquisitions, long Contentions);
