using NativeMm.AddressSpaces;
using NativeMm.Explorer.Machine;
using NativeMm.Explorer.Running;
using NativeMm.Primitives;

namespace NativeMm.Explorer.Cases;

/// <summary>One entry of a leaf: a fault installs a frame, a writer takes it out and uses the frame again, and one reads it and clears its accessed flag.</summary>
internal sealed unsafe class LeafEntryCase : Case
{
    private const ulong Page = 1001;
    private const string Unlocked = "the accessed flag is cleared without the lock of the leaf";
    private const string Early = "the entry is published before the frame is written";

    public override string Claim => "what was taken out of an entry stays out, and a frame that is read through one holds what its fault wrote";

    public override IReadOnlyList<BadCopy> BadCopies =>
    [
        new("PageTables[T1]", Weakening.Dropped), new("HazardAccess[H1]", Weakening.Dropped), new("HazardAccess[H3]"),
        new("Hazards[H2]", Weakening.Dropped), new(Unlocked, Weakening.Protocol), new(Early, Weakening.Protocol),
    ];

    public override Bounds Bounds => new(Preemptions: 2, StaleReads: 1);

    public override void Prepare(Plan plan)
    {
        var space = new SpaceModel(threads: 3);
        space.Install(1000);
        nuint address = (nuint)space.Zone.Frames.Zone.AddressOf(space.Zone.Allocate(Order.Zero));
        ulong* pages = (ulong*)Arena.Take(sizeof(ulong));
        *pages = Page;
        var content = new Cell("frame of the page", isStep: true);
        bool isRemoved = false;
        plan.Thread("fault", () => Install(space, address, content), before: () => AccessSlots.Bind(0))
            .Thread("unmap", () => isRemoved = Remove(space, content), before: () => AccessSlots.Bind(1))
            .Thread("reader", () =>
            {
                Read(space, address, content);
                Age(space, pages);
            }, before: () => AccessSlots.Bind(2))
            .AtEnd(() =>
            {
                EntryKind kind = new LeafEntry(*PageTables.EntryOf(space.Tables.Root, Page)).Kind;
                Plan.Check(kind == (isRemoved ? EntryKind.Empty : EntryKind.Frame), "the entry is not what was done last");
            });
    }

    private void Install(SpaceModel space, nuint address, Cell content)
    {
        AccessSlot* slot = AccessSlots.Own();
        if (WrongStep != Early)
        {
            content.Value = 1;
        }

        ulong* entry = space.Tables.Enter(slot, Page, out PageTables.LeafScope leaf);
        leaf.Put(entry, LeafEntry.Present(address, 0));
        leaf.Exit();
        HazardAccess.End(ref slot->Fault);
        if (WrongStep == Early)
        {
            content.Value = 1;
        }
    }

    /// <summary>Takes the frame out, if there is one, and uses it for something else, unless somebody uses the page.</summary>
    private static bool Remove(SpaceModel space, Cell content)
    {
        AccessSlot* slot = AccessSlots.Own();
        ulong* entry = space.Tables.Enter(slot, Page, out PageTables.LeafScope leaf);
        bool isThere = new LeafEntry(*entry).IsPresent;
        if (isThere)
        {
            leaf.Put(entry, LeafEntry.Empty);
        }

        leaf.Exit();
        HazardAccess.End(ref slot->Fault);
        ulong* words = stackalloc ulong[Hazards.Capacity];
        if (isThere && !Hazards.Look(space.Tables.Key, new Span<ulong>(words, Hazards.Capacity)).Touches(Page))
        {
            content.Value = 2;
        }

        return isThere;
    }

    private static void Read(SpaceModel space, nuint address, Cell content)
    {
        AccessSlot* slot = AccessSlots.Own();
        nuint root = (nuint)space.Tables.Root;

        // An access goes to the frame by the address that it read, which keeps the order; the model knows that order as an acquire.
        var entry = new LeafEntry(Atomic.LoadAcquire(in *HazardAccess.Begin(ref slot->Access, space.Tables.Key | Page, ref root, Page)));
        if (!entry.Misses(LeafEntry.ReadMiss))
        {
            Plan.Check(entry.Address == address && content.Value == 1, "the frame holds something else");
        }

        HazardAccess.End(ref slot->Access);
    }

    private void Age(SpaceModel space, ulong* pages)
    {
        if (WrongStep != Unlocked)
        {
            new AccessProbe(space.Tables, pages, AccessSlots.Own()).TestAndClear(0);
            return;
        }

        ulong* entry = PageTables.EntryOf(space.Tables.Root, Page);
        var seen = new LeafEntry(Atomic.LoadAcquire(in *entry));
        if (seen.IsPresent)
        {
            Atomic.StoreRelease(ref *entry, seen.With(LeafEntry.NotAccessed).Word);
        }
    }
}
