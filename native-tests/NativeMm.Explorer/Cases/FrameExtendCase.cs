using NativeMm.Explorer.Machine;
using NativeMm.Explorer.Running;
using NativeMm.Frames;
using NativeMm.Primitives;

namespace NativeMm.Explorer.Cases;

/// <summary>The owner of a run lengthens it over frames of the last free block, which another thread takes and frees.</summary>
internal sealed class FrameExtendCase : Case
{
    private const uint Frames = 10;
    private const uint Longer = 14;

    public override string Claim => "what a run grows by has one owner, who sees what the last one wrote; counts and bitmap agree";

    public override IReadOnlyList<BadCopy> BadCopies =>
    [
        new("LockFreeFrameAllocator[A1]", Weakening.Dropped), new("LockFreeFrameAllocator[A2]"), new("LockFreeFrameAllocator[A2]", Weakening.Split),
        new("LockFreeFrameAllocator[A3]"),
    ];

    public override Bounds Bounds => new(Preemptions: 3, StaleReads: 1);

    public override void Prepare(Plan plan)
    {
        var zone = new FrameFixture();
        zone.Fill(LockFreeFrameAllocator.GranuleOrder + 1);
        Plan.Check(zone.Frames.TryAllocateExact(Frames, FrameFlags.NoReclaim, out Pfn run, out _), "no run for the preparation");
        var block = new Order(2);
        plan.Thread("owner", () =>
            {
                bool grew = zone.Frames.TryExtend(run, Frames, Longer);
                if (grew)
                {
                    zone.Use(new Pfn(run.Value + Frames), block);
                }

                zone.Frames.FreeExact(run, grew ? Longer : Frames);
            })
            .Thread("other", () =>
            {
                zone.TryUse(block);
                zone.TryUse(block);
            })
            .AtEnd(() =>
            {
                zone.Frames.Validate();
                Plan.Check(zone.Frames.GetStatistics().FreeFrames == 32, "the run and what was behind it were free and must be again");
            });
    }
}
