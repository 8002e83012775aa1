using NativeMm.AddressSpaces;
using NativeMm.Explorer.Machine;
using NativeMm.Explorer.Running;
using NativeMm.Primitives;

namespace NativeMm.Explorer.Cases;

/// <summary>A fault walks to a leaf and installs a page while a writer clears the range, which takes the leaf out and frees it.</summary>
internal sealed unsafe class TableUnlinkCase : Case
{
    private const string Unlinked = "the leaf is not compared with the upper entry under its lock";

    public override string Claim => "nothing is installed in a table that was taken out, and no table goes under a walk";

    public override IReadOnlyList<BadCopy> BadCopies =>
    [
        new("HazardAccess[H1]", Weakening.Dropped), new("Hazards[H2]", Weakening.Dropped), new(Unlinked, Weakening.Protocol),
    ];

    public override Bounds Bounds => new(Preemptions: 3, StaleReads: 1);

    /// <summary>The frames of tables are used by others after they were freed; what is looked at is whether anybody is still inside.</summary>
    public override bool WatchesPlainMemory => false;

    public override void Prepare(Plan plan)
    {
        var space = new SpaceModel(threads: 2);
        space.Install(1000);
        ulong* leaf = (ulong*)((nuint)PageTables.EntryOf(space.Tables.Root, 1000) & ~(nuint)PageTables.LowMask);
        bool inside = false;
        bool installed = false;
        plan.Thread("fault", () =>
            {
                AccessSlot* slot = AccessSlots.Own();
                ulong* entry = Enter(space, slot, 1001, out PageTables.LeafScope scope, ref inside);
                if (entry != null)
                {
                    installed = true;
                    scope.Put(entry, LeafEntry.SameFilled(7, 0));
                    scope.Exit();
                }

                inside = false;
                HazardAccess.End(ref slot->Fault);
            }, before: () => AccessSlots.Bind(0))
            .Thread("writer", () =>
            {
                space.Tables.Clear(new VpnRange(1000, 1001));
                if (space.Zone.Frames.TryAllocateAt(space.Zone.Frames.Zone.FrameOf(leaf), 1, out _))
                {
                    Plan.Check(!inside, "the leaf was freed under a fault");
                }
            }, before: () => AccessSlots.Bind(1))
            .AtEnd(() =>
            {
                bool found = new LeafEntry(*PageTables.EntryOf(space.Tables.Root, 1001)).Kind == EntryKind.SameFilled;
                Plan.Check(found == installed, "what was installed is lost");
            });
    }

    private ulong* Enter(SpaceModel space, AccessSlot* slot, ulong page, out PageTables.LeafScope scope, ref bool inside)
    {
        nuint root = (nuint)space.Tables.Root;
        ulong* entry = HazardAccess.Begin(ref slot->Fault, space.Tables.Key | page, ref root, page);
        ulong* table = (ulong*)((nuint)entry & ~(nuint)PageTables.LowMask);
        scope = default;
        if (table == SharedTables.EmptyLeaf)
        {
            return null;
        }

        inside = true;
        ref TableHead head = ref space.Tables.HeadOf(table);
        head.Lock.Enter();
        scope = new PageTables.LeafScope(ref head);
        if (WrongStep == Unlinked || space.Tables.IsLinked(table, ref head))
        {
            return entry;
        }

        scope.Exit();
        return null;
    }
}
