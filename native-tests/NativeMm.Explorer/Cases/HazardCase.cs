using NativeMm.AddressSpaces;
using NativeMm.Explorer.Machine;
using NativeMm.Explorer.Running;
using NativeMm.Primitives;

namespace NativeMm.Explorer.Cases;

/// <summary>A thread reads a page that hits, twice, while another takes the page away and uses its frame for something else.</summary>
internal sealed unsafe class HazardCase : Case
{
    private const string Unmarked = "the hazards are looked at before the entry is marked";

    public override string Claim => "a frame that an access found is used for nothing else until the access ends";

    public override IReadOnlyList<BadCopy> BadCopies =>
    [
        new("HazardAccess[H1]", Weakening.Dropped), new("Hazards[H2]", Weakening.Dropped), new("HazardAccess[H3]"), new(Unmarked, Weakening.Protocol),
    ];

    public override Bounds Bounds => new(Preemptions: 3, StaleReads: 2);

    public override void Prepare(Plan plan)
    {
        var space = new SpaceModel(threads: 2);
        nuint address = space.Install(1000);
        var content = new Cell("frame of the page", 1, isStep: true);
        nuint root = (nuint)space.Tables.Root;
        plan.Thread("reader", () =>
            {
                AccessSlot* slot = AccessSlots.Own();
                for (int i = 0; i < 2; i++)
                {
                    ulong entry = Atomic.LoadRelaxed(in *HazardAccess.Begin(ref slot->Access, space.Tables.Key | 1000, ref root, 1000));
                    if ((entry & LeafEntry.ReadMiss) == 0)
                    {
                        Plan.Check(entry == address && content.Value == 1, "the frame holds something else");
                    }

                    HazardAccess.End(ref slot->Access);
                }
            }, before: () => AccessSlots.Bind(0))
            .Thread("evictor", () => Evict(space, content), before: () => AccessSlots.Bind(1));
    }

    private void Evict(SpaceModel space, Cell content)
    {
        AccessSlot* slot = AccessSlots.Own();
        ulong* words = stackalloc ulong[Hazards.Capacity];
        bool early = WrongStep == Unmarked && !Hazards.Look(space.Tables.Key, new Span<ulong>(words, Hazards.Capacity)).Touches(1000);
        Change(space, slot, LeafEntry.Moving | LeafEntry.Leaving, 0);
        if (early || (WrongStep != Unmarked && !Hazards.Look(space.Tables.Key, new Span<ulong>(words, Hazards.Capacity)).Touches(1000)))
        {
            content.Value = 2;
        }
        else
        {
            Change(space, slot, 0, LeafEntry.Moving | LeafEntry.Leaving);
        }
    }

    private static void Change(SpaceModel space, AccessSlot* slot, ulong set, ulong clear)
    {
        ulong* entry = space.Tables.Enter(slot, 1000, out PageTables.LeafScope leaf);
        leaf.Put(entry, new LeafEntry(Atomic.LoadRelaxed(in *entry)).With(set).Without(clear));
        leaf.Exit();
        HazardAccess.End(ref slot->Fault);
    }
}
