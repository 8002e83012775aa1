using NativeMm.AddressSpaces;
using NativeMm.Explorer.Machine;
using NativeMm.Explorer.Running;
using NativeMm.Primitives;
using NativeMm.Teardown;

namespace NativeMm.Explorer.Cases;

/// <summary>A thread reads a page whose leaf it has from the map, while another takes the range out and gives it back, and the frame is used for something else.</summary>
internal sealed unsafe class LeafMapCase : Case
{
    public override string Claim => "no frame goes while an access uses it that has its leaf from the map";

    public override IReadOnlyList<BadCopy> BadCopies =>
    [
        new("LeafMap[M3]", Weakening.Dropped), new("HazardAccess[H1]", Weakening.Dropped), new("PageTables[H2]", Weakening.Dropped),
    ];

    public override Bounds Bounds => new(Preemptions: 3, StaleReads: 1);

    public override bool IsReduced => true;

    /// <summary>Frames of tables are used by others after they were freed.</summary>
    public override bool WatchesPlainMemory => false;

    public override void Prepare(Plan plan)
    {
        var space = new SpaceModel(threads: 2);
        nuint leaves = space.BeginLeaves();
        nuint address = space.Install(1000);

        // The tables above stay: to take them out as well would pass another fence.
        space.Install(5000);
        var workers = new TeardownWorkers(new TeardownOptions { MaxActive = 1, InlineFloorBytes = 0 });
        var release = new TableRelease(space.Tables, workers);
        var content = new Cell("frame of the page", 1, isStep: true);
        plan.Thread("reader", () =>
            {
                AccessSlot* slot = AccessSlots.Own();
                ulong* leaf = HazardAccess.BeginByMap(ref slot->Access, space.Tables.Key | 1000, ref leaves, 1000 / SharedTables.Entries);
                if (leaf != null && (Atomic.LoadRelaxed(in leaf[1000 % SharedTables.Entries]) & LeafEntry.ReadMiss) == 0)
                {
                    Plan.Check(content.Value == 1, "the frame holds something else");
                }

                HazardAccess.End(ref slot->Access);
            }, before: () => AccessSlots.Bind(0))
            .Thread("writer", () =>
            {
                bool detached = space.Tables.TryDetach(new VpnRange(512, 1024), release);
                Plan.Check(detached, "the range was not taken out");
                workers.Run(release);
                if (space.Zone.Frames.TryAllocateAt(space.Zone.Frames.Zone.FrameOf((void*)address), 1, out _))
                {
                    content.Value = 2;
                }
            }, before: () => AccessSlots.Bind(1));
    }
}
