using NativeMm.Explorer.Machine;
using NativeMm.Explorer.Running;
using NativeMm.Heap;

namespace NativeMm.Explorer.Cases;

/// <summary>A trim pass gives the pages of a resting slab back while a user frees the slab's last block and allocates again.</summary>
internal sealed class DepotDiscardCase : Case
{
    private const string Carry = "what was found under the lock is carried to the next section";

    public override string Claim => "no page is discarded under a block that is somebody's, and a slab goes when its last block is back";

    public override IReadOnlyList<BadCopy> BadCopies => [new("SpinLock[L1]"), new("SpinLock[L2]"), new(Carry, Weakening.Protocol)];

    public override Bounds Bounds => new(Preemptions: 3, StaleReads: 1);

    public override void Prepare(Plan plan)
    {
        var stock = new DepotFixture();
        nuint first = stock.Take();
        nuint second = stock.Take();
        stock.PutHome(second);
        plan.Thread("trim", () => Trim(stock))
            .Thread("user", () =>
            {
                stock.BytesOf(first).Value = 1;
                stock.PutHome(first);
                nuint again = stock.Take();
                stock.BytesOf(again).Value = 2;
                nuint more = stock.Take();
                stock.BytesOf(more).Value = 3;
                Plan.Check(stock.BytesOf(again).Value == 2, "a page was discarded under a block in use");
                Plan.Check(again != more, "a block was handed out twice");
                stock.PutHome(again);
                stock.PutHome(more);
            })
            .AtEnd(() =>
            {
                // A slab that was made for somebody who then found other blocks stays until the next pass.
                stock.Depot.DiscardUnusedPages(0);
                Plan.Check(stock.Depot.GetStatistics().Slabs == 0, "a slab stayed though all its blocks are back");
            });
    }

    private void Trim(DepotFixture stock)
    {
        Span<ulong> taken = stackalloc ulong[1];
        int left = stock.Depot.BeginWalk();
        SlabTicket held = stock.Depot.HoldResting(0, taken, out _, ref left);
        if (held.IsNone)
        {
            return;
        }

        if (WrongStep == Carry)
        {
            // As a pass once did: notes which blocks are free, puts them back, and gives their pages away afterwards.
            stock.Depot.PutHeld(held, taken);
            Discard(stock, held, taken[0]);
            return;
        }

        Discard(stock, held, taken[0]);
        stock.Depot.PutHeld(held, taken);
    }

    private static void Discard(DepotFixture stock, SlabTicket slab, ulong free)
    {
        for (int i = 0; i < stock.Depot.Geometry.Blocks; i++)
        {
            if ((free & (1UL << i)) != 0)
            {
                stock.BytesOf(stock.Space.AddressOf(slab.Granule) + ((nuint)i * stock.Depot.Geometry.BlockBytes)).Value = 0;
            }
        }
    }
}
