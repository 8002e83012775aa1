using NativeMm.Frames;
using NativeMm.Heap;
using NativeMm.Tests.Support;
using Xunit;

namespace NativeMm.Tests.Unit.Heap;

/// <summary>Slabs go back to where their class was.</summary>
public sealed class SlabPlacesTests
{
    [Fact]
    public void The_newest_place_comes_first_and_the_oldest_is_forgotten_when_there_is_no_room()
    {
        var places = default(SlabPlaces);
        places.Push(7);
        Assert.Equal(0, places.Count);
        places.Use(new uint[places.RoomFor(3)]);
        for (uint granule = 0; granule < 10; granule++)
        {
            places.Push(granule);
        }

        Assert.Equal(8, places.Count);
        for (uint granule = 9; granule >= 2; granule--)
        {
            Assert.True(places.TryPop(out uint popped));
            Assert.Equal(granule, popped);
        }

        Assert.False(places.TryPop(out uint none));
        Assert.Equal(Slab.None, none);
    }

    [Fact]
    public void A_pass_forgets_what_nobody_came_back_to_since_the_last_one()
    {
        var places = default(SlabPlaces);
        places.Use(new uint[places.RoomFor(8)]);
        places.Push(1);
        places.Push(2);
        places.Age();
        Assert.Equal(2, places.Count);
        places.Push(3);
        Assert.True(places.TryPop(out _));
        Assert.True(places.TryPop(out uint second));
        Assert.Equal(2u, second);
        places.Push(4);
        places.Age();

        // Of the two the older one lay there untouched.
        Assert.Equal(1, places.Count);
        Assert.True(places.TryPop(out uint last));
        Assert.Equal(4u, last);
    }

    [Theory]
    [InlineData(0, 8)]
    [InlineData(7, 8)]
    [InlineData(8, 16)]
    [InlineData(1000, 1024)]
    [InlineData(1 << 20, SlabPlaces.RoomMax)]
    public void Room_grows_with_the_slabs_of_the_class(int slabs, int room)
    {
        var places = default(SlabPlaces);
        Assert.Equal(room, places.RoomFor(slabs));
        places.Use(new uint[room]);
        Assert.Equal(0, places.RoomFor(Math.Min(slabs, room - 1)));
        places.Push(1);
        places.Use(new uint[room]);
        Assert.Equal(1, places.Count);
    }

    [Fact]
    public unsafe void A_program_that_does_the_same_again_touches_the_same_pages()
    {
        using var fixture = new HeapFixture(64 << 20);
        int[] sizes = [65_552, 8192, 40_000, 81_936, 200, 300_000];
        HashSet<nint> pages = Round(fixture.Heap, sizes, shift: 0);
        int first = pages.Count;

        // In another order, so that a search for the lowest hole would deal the places out anew.
        for (int round = 1; round < 6; round++)
        {
            pages.UnionWith(Round(fixture.Heap, sizes, round));
        }

        Assert.True(pages.Count < first * 5 / 4, $"{first} pages in the first round, {pages.Count} in six.");
    }

    [Fact]
    public void A_place_that_another_class_took_is_let_go()
    {
        var platform = new FaultyPlatform();
        Assert.True(FrameZone.TryCreate(platform, ZoneKind.Normal, 4 << 20, out FrameZone? zone).Succeeded);
        var frames = new LockFreeFrameAllocator(zone!, coreSlots: 1);
        Assert.True(SlabSpace.TryCreate(frames, platform, out SlabSpace? space).Succeeded);
        var first = new Depot(space!, SizeClass.ForBytes(60_000), 1 << SlabSpace.ClassBits);
        var second = new Depot(space!, SizeClass.ForBytes(50_000), 1 << SlabSpace.ClassBits);
        nuint block = TakeOne(first);
        Assert.Equal(BlockFaultKind.None, first.PutHome([block]).Kind);
        nuint other = TakeOne(second);
        Assert.Equal(block, other);
        nuint elsewhere = TakeOne(first);
        Assert.NotEqual(block, elsewhere);
        first.PutHome([elsewhere]);
        second.PutHome([other]);
        Assert.Equal(elsewhere, TakeOne(first));
        first.PutHome([elsewhere]);
        Assert.Equal(0u, frames.GetStatistics().AllocatedFrames);
        frames.Validate();
        space!.Dispose();
        frames.Dispose();
        zone!.Dispose();
        platform.AssertNothingLeaked();
    }

    private static nuint TakeOne(Depot depot)
    {
        Assert.True(depot.TryTakeOne(out nuint block, out _));
        return block;
    }

    /// <summary>Allocates 20 blocks of each size, in an order that depends on the round, frees all, and says which pages the ends of the blocks lay on.</summary>
    private static unsafe HashSet<nint> Round(NativeHeap heap, int[] sizes, int shift)
    {
        HashSet<nint> pages = [];
        List<nint> blocks = [];
        for (int i = 0; i < sizes.Length * 20; i++)
        {
            int size = sizes[(i + shift) % sizes.Length];
            byte* block = (byte*)heap.Alloc((nuint)size);
            pages.Add((nint)block >> 12);
            pages.Add((nint)(block + size - 1) >> 12);
            blocks.Add((nint)block);
        }

        blocks.ForEach(block => heap.Free((void*)block));
        return pages;
    }
}
