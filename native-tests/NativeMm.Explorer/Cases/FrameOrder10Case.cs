using NativeMm.Explorer.Machine;
using NativeMm.Explorer.Running;
using NativeMm.Primitives;

namespace NativeMm.Explorer.Cases;

/// <summary>Both children as one block, which is undone when the second is taken, beside a block of order 9 and a frame.</summary>
internal sealed class FrameOrder10Case : Case
{
    public override string Claim => "a block of order 10 is both halves or none, and what is undone is as it was";

    public override IReadOnlyList<BadCopy> BadCopies =>
    [
        new("LockFreeFrameAllocator[A5]"), new("LockFreeFrameAllocator[A6]"), new("LockFreeFrameAllocator[A6]", Weakening.Dropped),
    ];

    public override Bounds Bounds => new(Preemptions: 2, StaleReads: 1);

    public override void Prepare(Plan plan)
    {
        var zone = new FrameFixture(children: 2);
        plan.Thread("double", () => zone.TryUse(Order.Max))
            .Thread("whole", () => zone.TryUse(Order.Huge))
            .Thread("single", () => zone.TryUse(Order.Zero))
            .AtEnd(() =>
            {
                zone.Frames.Validate();
                Plan.Check(zone.Frames.GetStatistics().FreeFrames == 1024, "all was free and must be again");
            });
    }
}
