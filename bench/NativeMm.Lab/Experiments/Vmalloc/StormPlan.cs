using NativeMm.Primitives;
using NativeMm.Vmap;

namespace NativeMm.Lab.Experiments.Vmalloc;

/// <summary>
/// How large the storm is: the library's defaults on a machine with two processors, but the same on every machine. The bound is four times what
/// pulls the trigger, and the pools of all cores together keep as much as pulls it; all producers together free one and a half times the bound
/// at once, beyond what the pools keep.
/// </summary>
/// <param name="LazyPagesMax">Pages that may be outstanding before a purge.</param>
internal sealed record StormPlan(uint LazyPagesMax)
{
    /// <summary>The default of a machine with two processors.</summary>
    public static readonly StormPlan Full = new(16_384);

    /// <summary>A smaller one for the tour.</summary>
    public static readonly StormPlan Small = new(2_048);

    /// <summary>Pages that may be outstanding at any moment.</summary>
    public long BoundPages => 4L * LazyPagesMax;

    /// <summary>Pages that all producers together allocate before they free them.</summary>
    public long BurstPages => LazyPagesMax + (BoundPages * 3 / 2);

    /// <summary>The allocator's options, with room for what is allocated, what is outstanding and what the pools keep.</summary>
    public VmapOptions Options => new()
    {
        CapacityBytes = (ulong)(2 * (BoundPages + BurstPages)) * Pfn.FrameBytes,
        LazyBytesMax = (ulong)BoundPages * Pfn.FrameBytes,
        PooledBytesMaxPerCore = (ulong)LazyPagesMax * Pfn.FrameBytes / (ulong)Environment.ProcessorCount,
    };
}
