using NativeMm.Frames;
using NativeMm.Heap;
using NativeMm.Tests.Support;
using Xunit;

namespace NativeMm.Tests.Unit.Heap;

/// <summary>A trim pass gives pages of a slab back, and others work on the depot between its two sections under the lock.</summary>
public sealed class DepotDiscardTests : DepotTestBase
{
    private const uint OtherTag = 2 << SlabSpace.ClassBits;

    private readonly ulong[] _taken = new ulong[SlabGeometry.BlocksMax / 64];

    public override void Dispose()
    {
        Assert.Equal(0u, Frames.GetStatistics().AllocatedFrames);
        base.Dispose();
    }

    [Theory]
    [InlineData(8192, 16)]
    [InlineData(16, 8192)]
    [InlineData(4096, 512)]
    [InlineData(8192, 8192)]
    public void A_slab_that_is_held_stays_the_class_s_when_its_last_blocks_come_back(int held, int other)
    {
        Depot depot = DepotFor(held, Tag);
        nuint[] blocks = TakeAll(depot, 1);
        depot.PutHome(blocks.AsSpan(0, 1));
        SlabTicket ticket = Hold(depot, out Span<ulong> taken);
        Assert.False(ticket.IsNone);

        // All that others have of the slab comes back, and another heap takes every frame there is.
        depot.PutHome(blocks.AsSpan(1));
        Depot tenant = DepotFor(other, OtherTag);
        List<nuint> live = [];
        while (tenant.TryTakeOne(out nuint block, out _))
        {
            live.Add(block);
        }

        Assert.DoesNotContain(live, block => Space.SlabOf(block, depot.Geometry.Order) == ticket.Granule);
        depot.PutHeld(ticket, taken);
        Assert.Equal(0, depot.GetStatistics().Slabs);
        depot.Validate([]);
        tenant.Validate([]);

        // The old class gives out nothing that somebody has.
        Assert.True(depot.TryTakeOne(out nuint again, out _));
        Assert.DoesNotContain(live, block => again - block < (nuint)other || block - again < (nuint)held);
        depot.PutHome([again]);
        tenant.PutHome(live.ToArray());
    }

    [Fact]
    public void A_slab_that_is_held_does_not_go_when_its_blocks_are_freed_twice()
    {
        Depot depot = DepotFor(8192, Tag);
        nuint[] blocks = TakeAll(depot, 1);
        depot.PutHome(blocks.AsSpan(0, 1));
        SlabTicket ticket = Hold(depot, out Span<ulong> taken);
        Assert.Equal(BlockFaultKind.None, depot.PutHome(blocks).Kind);
        Assert.Equal(1, depot.GetStatistics().Slabs);
        depot.PutHeld(ticket, taken);
        Assert.Equal(0, depot.GetStatistics().Slabs);
        Assert.Equal(0, depot.GetStatistics().SlabFreeBlocks);
    }

    [Fact]
    public void A_block_that_comes_back_while_its_slab_is_held_may_be_taken_again_at_once()
    {
        Depot depot = DepotFor(8192, Tag);
        nuint[] blocks = TakeAll(depot, 1);
        depot.PutHome(blocks.AsSpan(0, 1));
        SlabTicket ticket = Hold(depot, out Span<ulong> taken);
        depot.PutHome(blocks.AsSpan(1, 2));
        nuint[] again = new nuint[1];
        Assert.Equal(1, depot.Take(again));
        Assert.Contains(again[0], blocks[1..3]);
        depot.PutHeld(ticket, taken);
        depot.Validate([]);
        depot.PutHome(again);
        depot.PutHome(blocks.AsSpan(3));
        Assert.Equal(0, depot.GetStatistics().Slabs);
    }

    [Fact]
    public void The_ticket_of_a_slab_that_ended_is_no_ticket_of_the_next_one_there()
    {
        Depot depot = DepotFor(64, Tag);
        Assert.True(depot.TryTakeOne(out nuint block, out _));
        SlabTicket ticket = Space.TicketOf(Space.SlabOf(block, depot.Geometry.Order));
        Assert.True(Space.IsAlive(ticket));
        depot.PutHome([block]);
        Assert.False(Space.IsAlive(ticket));
        Assert.True(depot.TryTakeOne(out nuint again, out _));
        Assert.Equal(block, again);
        Assert.False(Space.IsAlive(ticket));
        depot.PutHome([again]);
    }

    [Fact]
    public void A_walk_goes_on_when_the_slab_that_it_stands_at_goes_away()
    {
        Depot depot = DepotFor(8192, Tag);
        nuint[] blocks = TakeAll(depot, 4);
        for (int slab = 0; slab < 4; slab++)
        {
            depot.PutHome(blocks.AsSpan(slab * 8, 1));
        }

        int left = depot.BeginWalk();
        Assert.Equal(4, left);
        SlabTicket first = depot.HoldResting(0, _taken.AsSpan(0, 1), out _, ref left);
        depot.PutHeld(first, _taken.AsSpan(0, 1));
        depot.PutHome(blocks.AsSpan(9, 7));
        Assert.Equal(3, depot.GetStatistics().Slabs);
        SlabTicket third = depot.HoldResting(0, _taken.AsSpan(0, 1), out _, ref left);
        Assert.Equal(Space.SlabOf(blocks[16], depot.Geometry.Order), third.Granule);
        depot.PutHeld(third, _taken.AsSpan(0, 1));
        depot.PutHome(blocks.AsSpan(1, 7));
        depot.PutHome(blocks.AsSpan(17, 7));
        depot.PutHome(blocks.AsSpan(25, 7));
    }

    [Fact]
    public void A_pass_looks_at_each_slab_once_however_many_have_something_to_give()
    {
        const int Slabs = 200;
        Depot depot = DepotFor(8192, Tag);
        nuint[] blocks = TakeAll(depot, Slabs);
        for (int slab = 0; slab < Slabs; slab++)
        {
            depot.PutHome(blocks.AsSpan(slab * 8, 1));
        }

        Assert.Equal(Slabs * 8192u, depot.DiscardUnusedPages(0));

        // Only the younger half changes again: a walk that began anew for each of them would look at the older half each time.
        for (int slab = Slabs / 2; slab < Slabs; slab++)
        {
            depot.PutHome(blocks.AsSpan((slab * 8) + 1, 1));
        }

        int left = depot.BeginWalk();
        int sections = 0;
        int found = 0;
        while (left > 0)
        {
            sections++;
            int before = left;
            SlabTicket held = depot.HoldResting(0, _taken.AsSpan(0, 1), out _, ref left);
            Assert.True(left < before, "A look that is not counted.");
            if (!held.IsNone)
            {
                found++;
                depot.PutHeld(held, _taken.AsSpan(0, 1));
            }
        }

        Assert.Equal(Slabs / 2, found);
        Assert.InRange(sections, found, found + 4);
        for (int slab = 0; slab < Slabs; slab++)
        {
            int back = slab < Slabs / 2 ? 1 : 2;
            depot.PutHome(blocks.AsSpan((slab * 8) + back, 8 - back));
        }
    }

    [Fact]
    public void A_slab_that_was_made_and_not_needed_goes_to_the_frames()
    {
        Depot depot = DepotFor(64, Tag);
        Assert.True(depot.TryGrow());
        Assert.Equal(1, depot.GetStatistics().Slabs);
        depot.DiscardUnusedPages(1);
        Assert.Equal(1, depot.GetStatistics().Slabs);
        depot.DiscardUnusedPages(0);
        Assert.Equal(0, depot.GetStatistics().Slabs);
    }

    private static nuint[] TakeAll(Depot depot, int slabs)
    {
        nuint[] blocks = new nuint[slabs * depot.Geometry.Blocks];
        for (int i = 0; i < blocks.Length; i++)
        {
            Assert.True(depot.TryTakeOne(out blocks[i], out _));
        }

        Assert.Equal(slabs, depot.GetStatistics().Slabs);
        return blocks;
    }

    private SlabTicket Hold(Depot depot, out Span<ulong> taken)
    {
        int left = depot.BeginWalk();
        taken = _taken.AsSpan(0, (depot.Geometry.Blocks + 63) / 64);
        return depot.HoldResting(0, taken, out _, ref left);
    }

    private Depot DepotFor(int bytes, uint tag) => new(Space, SizeClass.ForBytes((nuint)bytes), tag);
}
