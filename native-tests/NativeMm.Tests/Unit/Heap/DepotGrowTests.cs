using NativeMm.Frames;
using NativeMm.Heap;
using NativeMm.Tests.Support;
using Xunit;

namespace NativeMm.Tests.Unit.Heap;

/// <summary>A run leaves its depot once, and only while its block is outside.</summary>
public sealed class DepotGrowTests : IDisposable
{
    private const uint Tag = 1 << SlabSpace.ClassBits;

    private readonly FaultyPlatform _platform = new();
    private readonly FrameZone _zone;
    private readonly LockFreeFrameAllocator _frames;
    private readonly SlabSpace _space;

    public DepotGrowTests()
    {
        Assert.True(FrameZone.TryCreate(_platform, ZoneKind.Normal, 8 << 20, out FrameZone? zone).Succeeded);
        _zone = zone!;
        _frames = new LockFreeFrameAllocator(_zone, coreSlots: 1);
        Assert.True(SlabSpace.TryCreate(_frames, _platform, out SlabSpace? space).Succeeded);
        _space = space!;
    }

    public void Dispose()
    {
        _frames.Validate();
        _space.Dispose();
        _frames.Dispose();
        _zone.Dispose();
        _platform.AssertNothingLeaked();
    }

    /// <summary>Whoever asks with a class that he read before the run became another's is the second of two, whether frames are needed or not.</summary>
    [Theory]
    [InlineData(144, 160)]
    [InlineData(240, 256)]
    public void Whoever_asks_second_is_refused(int from, int to)
    {
        Depot small = DepotFor(from);
        Depot large = DepotFor(to);
        uint granule = RunOf(small, out nuint block);
        SlabTicket found = _space.TicketOf(granule);
        large.ExpectRun();
        Assert.True(small.TryLetRunGrow(granule, SizeClass.ForBytes((nuint)to << 10)));
        Assert.False(small.TryLetRunGrow(granule, SizeClass.ForBytes((nuint)to << 10)));
        Assert.False(_space.IsAlive(found));
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

    private Depot DepotFor(int kibibytes) => new(_space, SizeClass.ForBytes((nuint)kibibytes << 10), Tag);

    private uint RunOf(Depot depot, out nuint block)
    {
        Assert.True(depot.TryGrow());
        nuint[] one = new nuint[1];
        Assert.Equal(1, depot.Take(one));
        block = one[0];
        return (uint)((block - _space.BaseAddress) >> SlabSpace.GranuleShift);
    }

    private void AssertNothingLeft(params Depot[] depots)
    {
        foreach (Depot depot in depots)
        {
            depot.Validate([]);
            Assert.Equal(0, depot.GetStatistics().Slabs);
        }

        Assert.Equal(0u, _frames.GetStatistics().AllocatedFrames);
    }
}
