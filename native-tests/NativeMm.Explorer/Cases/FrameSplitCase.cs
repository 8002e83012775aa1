using NativeMm.Explorer.Machine;
using NativeMm.Explorer.Running;
using NativeMm.Frames;
using NativeMm.Primitives;

namespace NativeMm.Explorer.Cases;

/// <summary>The owner of a whole child makes single frames of it and frees two, while others want frames.</summary>
internal sealed class FrameSplitCase : Case
{
    private const string TakenAgain = "the block is freed, and its frames are taken again";

    public override string Claim => "the frames of a block that is split are their owner's until each is freed, and anybody's then";

    public override IReadOnlyList<BadCopy> BadCopies =>
    [
        new("LockFreeFrameAllocator[A15]", Weakening.Dropped), new("LockFreeFrameAllocator[A2]", Weakening.Dropped), new(TakenAgain, Weakening.Protocol),
    ];

    public override Bounds Bounds => new(Preemptions: 3, StaleReads: 1);

    public override void Prepare(Plan plan)
    {
        var zone = new FrameFixture();
        Pfn block = zone.Allocate(Order.Huge);
        plan.Thread("owner", () =>
            {
                zone.Use(block, Order.Huge);
                Split(zone, block);
                zone.Frames.Free(new Pfn(block.Value + 511), Order.Zero);
                zone.Use(block, Order.Zero);
                zone.Frames.Free(block, Order.Zero);
            })
            .Thread("others", () =>
            {
                zone.TryUse(Order.Zero);
                zone.TryUse(Order.Huge);
            })
            .AtEnd(() =>
            {
                zone.Frames.Validate();
                Plan.Check(zone.Frames.GetStatistics().AllocatedFrames == 510, "frames of the block are lost, or free too early");
            });
    }

    private void Split(FrameFixture zone, Pfn block)
    {
        if (WrongStep != TakenAgain)
        {
            ((IFrameSource)zone.Frames).Split(block);
            return;
        }

        zone.Frames.Free(block, Order.Huge);
        for (uint row = 0; row < Order.Huge.Frames; row += BitmapRow.Frames)
        {
            Plan.Check(zone.Frames.TryAllocateAt(new Pfn(block.Value + row), BitmapRow.Frames, out _), "somebody else has frames of the block");
        }
    }
}
