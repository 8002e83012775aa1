using NativeMm.Explorer.Machine;
using NativeMm.Explorer.Running;
using NativeMm.Frames;
using NativeMm.Primitives;

namespace NativeMm.Explorer.Cases;

/// <summary>As <see cref="FrameReportCase"/>, and the user takes whole granules.</summary>
internal sealed class FrameReportWholeCase() : FrameReportCase(new Order(LockFreeFrameAllocator.GranuleOrder))
{
    public override IReadOnlyList<BadCopy> BadCopies =>
    [
        new("LockFreeFrameAllocator[A4]", Weakening.Dropped), new("LockFreeFrameAllocator[A8]", Weakening.Dropped),
        new("LockFreeFrameAllocator[A13]", Weakening.Dropped),
    ];
}
