using NativeMm.Primitives;
using NativeMm.Vmap;

namespace NativeMm.Lab.Experiments.Vmalloc;

/// <summary>
/// How large the storm is. The bound is four times what pulls the trigger, as the library has it by itself, but the same on every machine; all
/// producers together free one and a half times the bound at once.
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
    public long BurstPages => BoundPages * 3 / 2;

    /// <summary>The allocator's options: room for what is allocated, what is outstanding and what the pools of all cores keep.</summary>
    public VmapOptions Options
    {
        get
        {
            var options = new VmapOptions();
            ulong pooled = (ulong)Environment.ProcessorCount * options.PooledBytesMaxPerCore;
            return options with
            {
                CapacityBytes = ((ulong)(2 * (BoundPages + BurstPages)) * Pfn.FrameBytes) + pooled,
                LazyBytesMax = (ulong)BoundPages * Pfn.FrameBytes,
            };
        }
    }
}
