using NativeMm.Explorer.Machine;
using NativeMm.Explorer.Running;
using NativeMm.Primitives;

namespace NativeMm.Explorer.Cases;

/// <summary>A whole child and a frame of it are taken and freed at once.</summary>
internal sealed class FrameHugeCase : Case
{
    public override string Claim => "whole blocks are claimed only when nobody is inside, without a look at the bitmap";

    public override IReadOnlyList<BadCopy> BadCopies =>
    [
        new("LockFreeFrameAllocator[A1]", Weakening.Dropped), new("LockFreeFrameAllocator[A4]", Weakening.Dropped), new("LockFreeFrameAllocator[A5]"),
        new("LockFreeFrameAllocator[A5]", Weakening.Split), new("LockFreeFrameAllocator[A6]"),
    ];

    public override Bounds Bounds => new(Preemptions: 3, StaleReads: 1);

    public override void Prepare(Plan plan)
    {
        var zone = new FrameFixture();
        plan.Thread("whole", () => zone.TryUse(Order.Huge))
            .Thread("single", () => zone.TryUse(Order.Zero))
            .AtEnd(zone.Frames.Validate);
    }
}
