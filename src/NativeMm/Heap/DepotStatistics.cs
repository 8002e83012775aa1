namespace NativeMm.Heap;

/// <summary>What a depot holds.</summary>
/// <param name="Slabs">Slabs of the class.</param>
/// <param name="SlabFreeBlocks">Blocks that are free in their slabs.</param>
/// <param name="BatchedBlocks">Blocks in full batches.</param>
/// <param name="Acquisitions">How often the lock was taken.</param>
/// <param name="Contentions">How often it was taken after a wait.</param>
internal readonly record struct DepotStatistics(int Slabs, long SlabFreeBlocks, long BatchedBlocks, long Acquisitions, long Contentions);
