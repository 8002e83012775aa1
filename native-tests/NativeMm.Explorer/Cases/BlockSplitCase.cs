using NativeMm.AddressSpaces;
using NativeMm.Explorer.Machine;
using NativeMm.Explorer.Running;
using NativeMm.Primitives;

namespace NativeMm.Explorer.Cases;

/// <summary>Two threads let the first and the last page of a block go, and whoever comes next takes their frames.</summary>
internal sealed unsafe class BlockSplitCase : Case
{
    private const int Last = 511;
    private const string NotHeld = "the block does not hold its first frame";

    public override string Claim => "a frame of a block is freed once, after its last page went, and nobody touches it or its words then";

    public override IReadOnlyList<BadCopy> BadCopies =>
    [
        new("FrameHead[B1]"), new("FrameHead[B1]", Weakening.Split), new("FrameHead[B2]", Weakening.Dropped), new("FrameHead[B2]", Weakening.Split),
        new("FrameHead[B3]", Weakening.Dropped), new(NotHeld, Weakening.Protocol),
    ];

    public override Bounds Bounds => new(Preemptions: 2, StaleReads: 1);

    public override bool IsReduced => true;

    /// <summary>The words about frames are used by others after those were freed; what is looked at is whether anybody changes them.</summary>
    public override bool WatchesPlainMemory => false;

    public override void Prepare(Plan plan)
    {
        // The root of the tables takes a frame of the first child, so that the block is the second.
        var zone = new FrameFixture(children: 2);
        var tables = new PageTables(zone.Frames);
        Pfn block = zone.Allocate(Order.Huge);
        ulong* leaf = (ulong*)Arena.Take(SharedTables.Entries * sizeof(ulong));
        new Span<ulong>(leaf, SharedTables.Entries).Fill(LeafEntry.Empty.Word);
        var head = default(TableHead);
        tables.PutBlock(ref head, leaf, AddressOf(zone, block), 0);
        if (WrongStep == NotHeld)
        {
            tables.FrameOf(AddressOf(zone, block)).Begin(isInBlock: true);
        }

        var last = new Pfn(block.Value + Last);
        bool tookLast = false;
        bool tookFirst = false;
        plan.Thread("last page", () => Drop(zone, tables, last))
            .Thread("first page", () => Drop(zone, tables, block))
            .Thread("next owner", () =>
            {
                tookLast = TryTake(zone, tables, last);
                tookFirst = TryTake(zone, tables, block);
            })
            .AtEnd(() =>
            {
                zone.Frames.Validate();
                Plan.Check(zone.Frames.GetStatistics().AllocatedFrames == 511ul + (tookLast ? 1u : 0) + (tookFirst ? 1u : 0), "a frame is lost, or was freed twice");
                bool areUntouched = (!tookLast || IsUntouched(zone, tables, last)) && (!tookFirst || IsUntouched(zone, tables, block));
                Plan.Check(areUntouched, "the words about a frame that is another one's have changed");
            });
    }

    private static void Drop(FrameFixture zone, PageTables tables, Pfn frame)
    {
        zone.Use(frame, Order.Zero);
        tables.DropMapping(AddressOf(zone, frame));
    }

    /// <summary>Takes a frame if it is free, and keeps it.</summary>
    private static bool TryTake(FrameFixture zone, PageTables tables, Pfn frame)
    {
        if (!zone.Frames.TryAllocateAt(frame, 1, out _))
        {
            return false;
        }

        zone.Use(frame, Order.Zero);
        tables.FrameOf(AddressOf(zone, frame)).BeginFirst(splits: false);
        return true;
    }

    private static bool IsUntouched(FrameFixture zone, PageTables tables, Pfn frame) => tables.FrameOf(AddressOf(zone, frame)) is { IsBlockWhole: true, IsExclusive: true };

    private static nuint AddressOf(FrameFixture zone, Pfn frame) => (nuint)zone.Frames.Zone.AddressOf(frame);
}
