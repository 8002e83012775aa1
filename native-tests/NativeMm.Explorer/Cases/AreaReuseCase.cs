using NativeMm.AddressSpaces;
using NativeMm.Explorer.Machine;
using NativeMm.Explorer.Running;
using NativeMm.Primitives;

namespace NativeMm.Explorer.Cases;

/// <summary>A reader looks a page up while its area goes, and the record and the node are used again for another one.</summary>
internal sealed unsafe class AreaReuseCase : Case
{
    private static readonly AreaSpec s_first = new(new VpnRange(64, 80), Protection.ReadWrite, VmaFlags.None);
    private static readonly AreaSpec s_second = new(new VpnRange(70, 74), Protection.Read, VmaFlags.None);

    public override string Claim => "whoever found an area without the lock reads that one, until he leaves";

    public override IReadOnlyList<BadCopy> BadCopies =>
    [
        new("VmaTree[T1]"), new("VmaTree[T2]"), new("EpochParticipant[E1]"), new("EpochParticipant[E3]"),
    ];

    public override Bounds Bounds => new(Preemptions: 3, StaleReads: 2);

    public override void Prepare(Plan plan)
    {
        var epochs = new EpochDomain();
        var store = new VmaStore(new ArenaPlatform(), epochs);
        var tree = new VmaTree(store);
        Put(store, tree, s_first);
        plan.Thread("reader", () =>
            {
                using EpochGuard inside = epochs.Enter();
                Vma* area = tree.Find(72);
                if (area != null)
                {
                    AreaSpec spec = area->Spec;
                    Plan.Check(spec == s_first || spec == s_second, "an area is half one and half another");
                    Plan.Check(spec == area->Spec, "a record was used again under its reader");
                }
            }, before: () => epochs.Enter().Dispose())
            .Thread("writer", () =>
            {
                Vma* area = tree.FirstBehind(0);
                area->Detach();
                store.Retire(area);
                tree.Edit(0, AreaLayout.EndPage, []);
                tree.Publish();
                store.Reclaim();
                Put(store, tree, s_second);
                Plan.Check(tree.FirstBehind(0) == area, "the record is used again");
            });
    }

    private static void Put(VmaStore store, VmaTree tree, AreaSpec area)
    {
        Plan.Check(store.TryReserve(1, tree.NodesOfEdits(1), growing: true), "there is memory for a record");
        tree.Edit(0, AreaLayout.EndPage, [(nuint)store.TakeRecord(area)]);
        tree.Publish();
    }
}
