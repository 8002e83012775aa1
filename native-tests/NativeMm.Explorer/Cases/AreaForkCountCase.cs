using NativeMm.AddressSpaces;
using NativeMm.Explorer.Machine;
using NativeMm.Explorer.Running;
using NativeMm.Primitives;

namespace NativeMm.Explorer.Cases;

/// <summary>Somebody counts and checks the child of a fork while it is made.</summary>
internal sealed class AreaForkCountCase : Case
{
    public override string Claim => "whoever counts or checks a child sees it empty or whole";

    public override IReadOnlyList<BadCopy> BadCopies => [new("AreaLayout[F1]", Weakening.Dropped), new("ReaderWriterSleepLock[R2]")];

    public override Bounds Bounds => new(Preemptions: 3, StaleReads: 1);

    public override void Prepare(Plan plan)
    {
        var epochs = new EpochDomain();
        var tables = new LeafTables();
        AreaLayout layout = tables.MakeLayout(epochs);
        tables.Populate();
        var child = new AreaLayout(new ArenaPlatform(), new LeafTables(), new AddressSpaceOptions(), epochs);
        plan.Thread("fork", () => Plan.Check(layout.ForkTo(child).IsDone, "a fork failed"))
            .Thread("count", () =>
            {
                LayoutStatistics seen = child.GetStatistics();
                Plan.Check((seen.Areas, seen.Pages) is (0, 0) or (1, 2), $"it counts {seen.Areas} areas of {seen.Pages} pages");
                child.Validate();
            })
            .AtEnd(() => Plan.Check(child.GetStatistics().Areas == 1, "the child has no area"));
    }
}
