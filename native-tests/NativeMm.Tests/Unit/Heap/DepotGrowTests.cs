using NativeMm.Frames;
using NativeMm.Heap;
using NativeMm.Tests.Support;
using Xunit;

namespace NativeMm.Tests.Unit.Heap;

/// <summary>A run leaves its depot once, and only while its block is outside.</summary>
public sealed class DepotGrowTests : DepotTestBase
{
    /// <summary>Whoever asks with a class that he read before the run became another's is the second of two, whether frames are needed or not.</summary>
    [Theory]
    [InlineData(144, 160)]
    [InlineData(240, 256)]
    public void Whoever_asks_second_is_refused(int from, int to)
    {
        Depot small = DepotFor(from);
        Depot large = DepotFor(to);
        uint granule = RunOf(small, out nuint block);
        SlabTicket found = Space.TicketOf(granule);
        large.ExpectRun();
        Assert.True(small.TryLetRunGrow(granule, SizeClass.ForBytes((nuint)to << 10)));
        Assert.False(small.TryLetRunGrow(granule, SizeClass.ForBytes((nuint)to << 10)));
        Assert.False(Space.IsAlive(found));
        small.Validate([]);
        large.Validate([]);
        Assert.Equal(BlockFaultKind.DoubleFree, small.PutHome([block]).Kind);
        Assert.Equal(BlockFaultKind.None, large.PutHome([block]).Kind);
        AssertNothingLeft(small, large);
    }

    [Fact]
    public void A_run_whose_block_is_free_or_gone_and_a_place_inside_of_one_are_refused()
    {
        var to = SizeClass.ForBytes(256 << 10);
        Depot small = DepotFor(240);
        Depot large = DepotFor(256);
        uint granule = RunOf(small, out nuint block);
        for (uint inside = 1; inside < 4; inside++)
        {
            Assert.False(small.TryLetRunGrow(granule + inside, to));
        }

        Assert.False(large.TryLetRunGrow(granule, to), "It is another class's.");
        Assert.Equal(BlockFaultKind.None, small.PutHome([block]).Kind);
        Assert.False(small.TryLetRunGrow(granule, to), "It is gone.");
        Assert.True(small.TryGrow());
        Assert.False(small.TryLetRunGrow(granule, to), "Nobody has its block.");
        Assert.Equal(1, small.Take(new nuint[1]));
        Assert.Equal(BlockFaultKind.None, small.PutHome([block]).Kind);
        AssertNothingLeft(small, large);
    }

    private Depot DepotFor(int kibibytes) => new(Space, SizeClass.ForBytes((nuint)kibibytes << 10), Tag);

    private uint RunOf(Depot depot, out nuint block)
    {
        Assert.True(depot.TryGrow());
        nuint[] one = new nuint[1];
        Assert.Equal(1, depot.Take(one));
        block = one[0];
        return (uint)((block - Space.BaseAddress) >> SlabSpace.GranuleShift);
    }

    private void AssertNothingLeft(params Depot[] depots)
    {
        foreach (Depot depot in depots)
        {
            depot.Validate([]);
            Assert.Equal(0, depot.GetStatistics().Slabs);
        }

        Assert.Equal(0u, Frames.GetStatistics().AllocatedFrames);
    }
}
