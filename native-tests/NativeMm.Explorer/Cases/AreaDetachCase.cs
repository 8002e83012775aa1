using NativeMm.AddressSpaces;
using NativeMm.Explorer.Machine;
using NativeMm.Explorer.Running;
using NativeMm.Primitives;

namespace NativeMm.Explorer.Cases;

/// <summary>A fault installs a page without the lock of the space while the area is unmapped.</summary>
internal sealed class AreaDetachCase : Case
{
    private const string Early = "the record is looked at before the leaf is locked";

    public override string Claim => "a fault without the lock installs nothing by an area that is gone";

    public override IReadOnlyList<BadCopy> BadCopies =>
    [
        new("Vma[V1]", Weakening.Dropped), new("VmaTree[T1]", Weakening.Dropped), new(Early, Weakening.Protocol),
    ];

    public override Bounds Bounds => new(Preemptions: 3, StaleReads: 1);

    public override void Prepare(Plan plan)
    {
        var epochs = new EpochDomain();
        var tables = new LeafTables();
        AreaLayout layout = tables.MakeLayout(epochs);
        plan.Thread("fault", () => tables.Write(layout, 0, looksTooEarly: WrongStep == Early), before: () => epochs.Enter().Dispose())
            .Thread("unmap", () => Plan.Check(layout.Unmap(LeafTables.All).IsDone, "an unmap failed"))
            .AtEnd(() =>
            {
                Plan.Check(!tables.IsPresent(0), "a page was installed in an area that was gone");
                layout.Validate();
            });
    }
}
