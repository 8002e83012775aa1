using NativeMm.Explorer.Machine;
using NativeMm.Explorer.Running;
using NativeMm.Vmap;

namespace NativeMm.Explorer.Cases;

/// <summary>As <see cref="VmapCase"/>, and the other thread purges the pools and the lazy set.</summary>
internal sealed class VmapPurgeCase : VmapCase
{
    public override string Claim => "a range that a purge takes out of a pool is nobody's, and its addresses are given back once";

    public override Bounds Bounds => new(Preemptions: 3, StaleReads: 0);

    public override IReadOnlyList<BadCopy> BadCopies => [new("SpinLock[L2]", Weakening.Dropped), new("VmapAllocator[V1]", Weakening.Dropped)];

    protected override void Meanwhile(VmapAllocator vmap, nuint first) => vmap.Purge(pools: true);
}
