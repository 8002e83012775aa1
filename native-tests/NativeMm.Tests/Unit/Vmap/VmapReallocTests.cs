using NativeMm.Platform;
using NativeMm.Primitives;
using NativeMm.Tests.Support;
using NativeMm.Vmap;
using Xunit;

namespace NativeMm.Tests.Unit.Vmap;

/// <summary>What a range gives back when it needs less.</summary>
public sealed unsafe class VmapReallocTests
{
    private const nuint Page = Pfn.FrameBytes;

    [LinuxTheory]
    [InlineData(4096, 1, 1)]
    [InlineData(4096, 2047, 2047)]
    [InlineData(4096, 2048, 4096)]
    [InlineData(3, 1, 3)]
    [InlineData(4, 1, 1)]
    public void Less_than_half_gives_the_rest_back(uint before, uint after, uint kept)
    {
        using VmapAllocator vmap = VmapAllocatorTests.Make();
        byte* range = (byte*)vmap.Alloc(before * Page);
        range[0] = 5;
        range[(after * Page) - 1] = 6;
        Assert.True(range == vmap.Realloc(range, after * Page));
        vmap.Validate();
        Assert.Equal((after * Page, kept), (vmap.FindArea(range)!.Value.Bytes, vmap.FindArea(range)!.Value.Pages));
        vmap.Purge();
        vmap.Validate();
        VmapStatistics now = vmap.GetStatistics();
        Assert.Equal((kept, kept), (now.BusyPages, (long)now.Frames.AllocatedFrames));
        Assert.Null(vmap.FindArea(range + (kept * Page)));
        range = (byte*)vmap.Realloc(range, before * Page, VmapFlags.Zeroed);
        Assert.Equal((5, 6, 0), (range[0], range[(after * Page) - 1], before == after ? 0 : range[after * Page]));
        vmap.Free(range);
        vmap.Purge(pools: true);
        vmap.Validate();
        VmapAllocatorTests.AssertEmpty(vmap);
    }

    [LinuxFact]
    public void A_shrunk_range_of_many_mappings_counts_them_right()
    {
        using VmapAllocator vmap = VmapAllocatorTests.Make(capacity: 4 << 20);
        Pfn[] frames = new Pfn[1024];
        vmap.AllocateFrames(frames);
        vmap.FreeFrames([.. frames.OrderBy(frame => frame.Value).Where((_, i) => i % 3 != 0)]);
        byte* range = (byte*)vmap.Alloc(100 * Page);
        uint mappings = vmap.FindArea(range)!.Value.Mappings;
        Assert.True(mappings >= 50);
        Assert.True(range == vmap.Realloc(range, 11 * Page));
        Assert.InRange(vmap.FindArea(range)!.Value.Mappings, 6u, 11u);
        vmap.Validate();
        vmap.Purge();
        vmap.Validate();
        vmap.Free(range);
        vmap.Validate();
    }

    [LinuxFact]
    public void A_guarded_range_keeps_its_pages_and_its_guard()
    {
        using VmapAllocator vmap = VmapAllocatorTests.Make();
        byte* range = (byte*)vmap.Alloc(100 * Page, VmapFlags.Guarded);
        Assert.True(range == vmap.Realloc(range, 1));
        Assert.Equal((100u, 1u), (vmap.FindArea(range)!.Value.Pages, vmap.FindArea(range)!.Value.GuardPages));
        vmap.Free(range);
        vmap.Validate();
    }

    [LinuxTheory]
    [InlineData(1, 16)]
    [InlineData(1, 512)]
    [InlineData(300, 512)]
    public void A_range_that_moves_keeps_its_alignment(uint pages, uint alignPages)
    {
        using VmapAllocator vmap = VmapAllocatorTests.Make();
        AssertMovesAligned(vmap, pages, alignPages);
        AssertMovesAligned(vmap, pages, alignPages);

        // From a pool as well: the range is asked for again, with and without the alignment.
        byte* pooled = (byte*)vmap.Alloc(pages * Page, alignment: alignPages * Page);
        vmap.Free(pooled);
        AssertMovesAligned(vmap, pages, alignPages);
        vmap.Purge(pools: true);
        vmap.Validate();
        VmapAllocatorTests.AssertEmpty(vmap);
    }

    [Fact]
    public void A_block_that_is_copied_keeps_its_alignment()
    {
        using var vmap = new VmapAllocator(new VmapOptions { CapacityBytes = 32 << 20 }, new PortablePlatform());
        void* first = vmap.Alloc(Page, alignment: 1 << 20);
        void* between = vmap.Alloc(Page);
        byte* moved = (byte*)vmap.Realloc(first, 3 * Page);
        Assert.Equal(0, (int)((nuint)moved & ((1 << 20) - 1)));
        vmap.Free(moved);
        vmap.Free(between);
    }

    private static void AssertMovesAligned(VmapAllocator vmap, uint pages, uint alignPages)
    {
        nuint alignment = alignPages * Page;
        byte* range = (byte*)vmap.Alloc(pages * Page, alignment: alignment);
        range[0] = 7;
        var between = new List<nint>();
        for (int round = 0; round < 4; round++)
        {
            // Whatever lies behind the range is taken, so that it has to move.
            void* behind = vmap.Alloc(Page);
            between.Add((nint)behind);
            pages += alignPages + 1;
            byte* grown = (byte*)vmap.Realloc(range, pages * Page);
            Assert.Equal((0, 7), ((int)((nuint)grown & (alignment - 1)), grown[0]));
            range = grown;
        }

        vmap.Free(range);
        between.ForEach(block => vmap.Free((void*)block));
        vmap.Validate();
    }
}
