using NativeMm.Frames;
using NativeMm.Heap;
using NativeMm.Tests.Support;
using Xunit;

namespace NativeMm.Tests.Unit.Heap;

/// <summary>Depots by themselves, where a thread's cache would hide what they do.</summary>
public sealed class DepotTests : DepotTestBase
{
    [Fact]
    public void A_full_batch_stays_whole_and_comes_out_as_it_came()
    {
        Depot depot = DepotFor(64);
        nuint[] batch = new nuint[depot.Geometry.BatchCount];
        Assert.Equal(0, depot.Take(batch));
        Assert.True(depot.TryGrow());
        Assert.Equal(batch.Length, depot.Take(batch));
        Assert.Equal(BlockFaultKind.None, depot.Put(batch).Kind);
        Assert.Equal(batch, depot.BatchedBlocks());
        nuint[] again = new nuint[batch.Length];
        Assert.Equal(batch.Length, depot.Take(again));
        Assert.Equal(batch, again);
        Assert.Equal(BlockFaultKind.None, depot.PutHome(again).Kind);
        Assert.Equal(0u, Frames.GetStatistics().AllocatedFrames);
    }

    [Fact]
    public void Lowest_addresses_lie_last_so_that_they_are_used_first()
    {
        Depot depot = DepotFor(64);
        nuint[] batch = new nuint[depot.Geometry.BatchCount];
        Assert.True(depot.TryGrow());
        depot.Take(batch);
        Assert.Equal(batch.OrderDescending(), batch);
        depot.PutHome(batch);
    }

    [Fact]
    public void A_batch_that_nobody_took_goes_home_in_the_second_pass()
    {
        Depot depot = DepotFor(64);
        nuint[] batch = new nuint[depot.Geometry.BatchCount];
        Assert.True(depot.TryGrow());
        depot.Take(batch);
        depot.Put(batch);
        depot.TrimBatches(all: false);
        Assert.Equal(batch.Length, depot.GetStatistics().BatchedBlocks);
        depot.TrimBatches(all: false);
        Assert.Equal(0, depot.GetStatistics().BatchedBlocks);
        Assert.Equal(0, depot.GetStatistics().Slabs);
        depot.Validate([]);
    }

    [Fact]
    public void A_block_freed_twice_is_told_even_when_another_class_has_its_slab()
    {
        Depot depot = DepotFor(32 << 10);
        Assert.True(depot.TryTakeOne(out nuint block, out _));
        Assert.Equal(BlockFaultKind.None, depot.PutHome([block]).Kind);

        Depot other = DepotFor(64);
        Assert.True(other.TryTakeOne(out nuint tenant, out _));
        Assert.Equal(block, tenant);
        Assert.Equal(new BlockFault(BlockFaultKind.DoubleFree, block), depot.PutHome([block]));

        // The tenant's slab has not been touched.
        other.Validate([]);
        depot.Validate([]);
        Assert.True(other.IsBlockOutside(tenant));
        Assert.Equal(BlockFaultKind.None, other.PutHome([tenant]).Kind);
    }

    [Fact]
    public void Only_the_block_in_error_is_left_out()
    {
        Depot depot = DepotFor(48);
        nuint[] blocks = new nuint[3];
        Assert.True(depot.TryGrow());
        depot.Take(blocks);
        Assert.True(depot.TryTakeOne(out nuint kept, out _));
        BlockFault fault = depot.PutHome([blocks[0], blocks[1] + 16, blocks[1], blocks[1], blocks[2]]);
        Assert.Equal(new BlockFault(BlockFaultKind.NotBlockStart, blocks[1] + 16), fault);
        Assert.Equal(depot.Geometry.Blocks - 1, depot.GetStatistics().SlabFreeBlocks);
        depot.Validate([kept]);
        depot.PutHome([kept]);
    }

    [Fact]
    public void Unused_pages_of_a_resting_slab_go_back_once()
    {
        Depot depot = DepotFor(4096);
        nuint[] blocks = new nuint[depot.Geometry.Blocks];
        for (int i = 0; i < blocks.Length; i++)
        {
            Assert.True(depot.TryTakeOne(out blocks[i], out _));
        }

        depot.PutHome(blocks.AsSpan(0, 10));
        Assert.Equal(0u, depot.DiscardUnusedPages(1));
        depot.TrimBatches(all: false);
        Assert.Equal(10u * 4096, depot.DiscardUnusedPages(1));
        Assert.Equal(0u, depot.DiscardUnusedPages(0));
        Assert.Equal(1, Platform.Calls(PlatformCall.Discard));
        depot.PutHome(blocks.AsSpan(10, 1));
        Assert.Equal(11u * 4096, depot.DiscardUnusedPages(0));
        depot.Validate([]);
        depot.PutHome(blocks.AsSpan(11));
        Assert.Equal(0, depot.GetStatistics().Slabs);
    }

    [Fact]
    public unsafe void Untouched_blocks_are_known_to_be_zero_and_used_ones_are_not()
    {
        Depot depot = DepotFor(16 << 10);
        Assert.True(depot.TryTakeOne(out nuint first, out bool firstZero));
        Assert.True(depot.TryTakeOne(out nuint second, out bool secondZero));
        Assert.True(firstZero && secondZero);
        *(byte*)first = 1;
        depot.PutHome([first]);
        Assert.True(depot.TryTakeOne(out nuint again, out bool zero));
        Assert.Equal(first, again);
        Assert.False(zero);
        depot.PutHome([again, second]);
    }

    private Depot DepotFor(nuint bytes)
    {
        SizeClass sizeClass = SizeClass.ForBytes(bytes);
        return new Depot(Space, sizeClass, Tag);
    }
}
