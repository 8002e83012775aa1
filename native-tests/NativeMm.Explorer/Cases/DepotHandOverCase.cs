using NativeMm.Explorer.Machine;
using NativeMm.Explorer.Running;

namespace NativeMm.Explorer.Cases;

/// <summary>Blocks of one thread go through the depot's batches to another, while a trim pass sends batches home.</summary>
internal sealed class DepotHandOverCase : Case
{
    public override string Claim => "a block has one holder, who sees what the last one wrote; the depot's equation holds";

    public override IReadOnlyList<BadCopy> BadCopies => [new("SpinLock[L1]"), new("SpinLock[L2]"), new("SpinLock[L1]", Weakening.Split)];

    public override Bounds Bounds => new(Preemptions: 2, StaleReads: 1);

    public override void Prepare(Plan plan)
    {
        var stock = new DepotFixture();
        nuint first = stock.Take();
        nuint second = stock.Take();
        plan.Thread("giver", () =>
            {
                stock.BytesOf(first).Value = 1;
                stock.BytesOf(second).Value = 1;
                stock.Depot.Put([first, second]);
            })
            .Thread("taker", () =>
            {
                nuint block = stock.Take();
                stock.BytesOf(block).Value = 2;
                stock.Depot.Put([block]);
            })
            .Thread("trim", () => stock.Depot.TrimBatches(all: true))
            .AtEnd(() =>
            {
                stock.Depot.TrimBatches(all: true);
                Plan.Check(stock.Depot.GetStatistics() is { Slabs: 0 or 1 }, "slabs are left whose blocks are all back");
            });
    }
}
