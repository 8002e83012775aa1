namespace NativeMm.Runtime;

/// <summary>How often somebody had to wait for a lock, since the start.</summary>
/// <param name="Heap">Locks of the size classes of all heaps that are alive.</param>
/// <param name="Vmap">Lock of the free addresses; counted where <see cref="Vmap.VmapOptions.LockStatistics"/> is set.</param>
/// <param name="Zsmalloc">Locks of the classes of all pools that are alive; counted where <see cref="Zsmalloc.ZsPoolOptions.LockStatistics"/> is set.</param>
public readonly record struct LockContentions(long Heap, long Vmap, long Zsmalloc);
