using NativeMm.AddressSpaces;
using NativeMm.Explorer.Machine;
using NativeMm.Explorer.Running;
using NativeMm.Primitives;

namespace NativeMm.Explorer.Cases;

/// <summary>One thread writes to two pages, one after the other, while the space is forked.</summary>
internal sealed class AreaForkCase : Case
{
    public override string Claim => "what a fork sees is of one moment: never the second write without the first";

    public override IReadOnlyList<BadCopy> BadCopies => [new("Vma[V1]", Weakening.Dropped), new("SpinLock[L2]")];

    public override Bounds Bounds => new(Preemptions: 3, StaleReads: 0);

    public override void Prepare(Plan plan)
    {
        var epochs = new EpochDomain();
        var tables = new LeafTables();
        var others = new LeafTables();
        AreaLayout layout = tables.MakeLayout(epochs);
        tables.Populate();
        plan.Thread("writer", () =>
            {
                Plan.Check(tables.Write(layout, 0) && tables.Write(layout, 1), "both pages are mapped");
            }, before: () => epochs.Enter().Dispose())
            .Thread("fork", () =>
            {
                var child = new AreaLayout(new ArenaPlatform(), others, new AddressSpaceOptions(), epochs);
                Plan.Check(layout.ForkTo(child).IsDone, "a fork failed");
            })
            .AtEnd(() =>
            {
                Plan.Check(others.ContentOf(1) <= others.ContentOf(0), "the fork has the second write and not the first");
                Plan.Check(tables.ContentOf(0) == 1 && tables.ContentOf(1) == 1, "a write was lost");
            });
    }
}
