using NativeMm.Explorer.Machine;
using NativeMm.Explorer.Running;
using NativeMm.Primitives;

namespace NativeMm.Explorer.Cases;

/// <summary>Three threads take and free the last two frames of a child, one of them both at once.</summary>
internal sealed class FrameTakePutCase : Case
{
    public override string Claim => "a frame has one owner, who sees what the last one wrote; counts and bitmap agree";

    public override IReadOnlyList<BadCopy> BadCopies =>
    [
        new("LockFreeFrameAllocator[A1]", Weakening.Dropped), new("LockFreeFrameAllocator[A2]"), new("LockFreeFrameAllocator[A2]", Weakening.Split),
        new("LockFreeFrameAllocator[A3]"), new("LockFreeFrameAllocator[A4]", Weakening.Split),
    ];

    public override Bounds Bounds => new(Preemptions: 2, StaleReads: 1);

    public override void Prepare(Plan plan)
    {
        var zone = new FrameFixture();
        zone.Fill(order: 1);
        plan.Thread("first", () => zone.TryUse(Order.Zero))
            .Thread("second", () => zone.TryUse(Order.Zero))
            .Thread("both", () => zone.TryUse(new Order(1)))
            .AtEnd(() =>
            {
                zone.Frames.Validate();
                Plan.Check(zone.Frames.GetStatistics().FreeFrames == 2, "two frames were free and must be again");
            });
    }
}
