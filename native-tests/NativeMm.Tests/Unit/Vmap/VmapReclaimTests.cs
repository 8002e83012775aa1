using NativeMm.Frames;
using NativeMm.Primitives;
using NativeMm.Tests.Support;
using NativeMm.Vmap;
using Xunit;

namespace NativeMm.Tests.Unit.Vmap;

/// <summary>What is given up before a request fails, and who is asked to give.</summary>
public sealed unsafe class VmapReclaimTests
{
    private const nuint Page = Pfn.FrameBytes;

    public static TheoryData<ulong, ulong, ulong> Hopeless => new()
    {
        { Page, 0, 1UL << 62 },
        { Page, 0, 1UL << 63 },
        { 65UL << 20, 0, 0 },
        { 65UL << 20, (ulong)VmapFlags.Huge, 0 },
        { (1UL << 30) - Page, (ulong)VmapFlags.Guarded, 2UL << 20 },
    };

    [LinuxTheory]
    [MemberData(nameof(Hopeless))]
    public void A_request_that_nothing_could_serve_takes_nothing_away(ulong bytes, ulong flags, ulong alignment)
    {
        using VmapAllocator vmap = VmapAllocatorTests.Make();
        FillPools(vmap);
        int asked = 0;
        vmap.AddPurgeNotifier(_ => asked++);
        VmapStatistics before = vmap.GetStatistics();
        Assert.False(vmap.TryAlloc((nuint)bytes, (VmapFlags)flags, (nuint)alignment, out void* none));
        Assert.True(none == null);
        VmapStatistics after = vmap.GetStatistics();
        Assert.Equal((before.PooledPages, before.LazyPages, 0), (after.PooledPages, after.LazyPages, asked));
    }

    [LinuxTheory]
    [InlineData(1)]
    [InlineData(4095)]
    [InlineData(4096)]
    public void A_request_of_less_than_a_page_finds_what_waits_for_a_purge_and_fails_when_nothing_does(int bytes)
    {
        using VmapAllocator vmap = VmapAllocatorTests.Make();
        nuint all = vmap.Zone.Bytes;
        vmap.Free(vmap.Alloc(all));
        Assert.Equal((ulong)vmap.Zone.FrameCount, vmap.GetStatistics().Frames.AllocatedFrames);
        vmap.Free(vmap.Alloc((nuint)bytes));
        void* most = vmap.Alloc(all);
        Assert.False(vmap.TryAlloc((nuint)bytes, VmapFlags.None, 0, out _));
        Assert.Throws<OutOfMemoryException>(() => vmap.Alloc((nuint)bytes));
        vmap.Free(most);
        vmap.Validate();
    }

    [LinuxFact]
    public void An_alignment_that_no_address_has_is_named()
    {
        using VmapAllocator vmap = VmapAllocatorTests.Make();
        OutOfMemoryException problem = Assert.Throws<OutOfMemoryException>(() => vmap.Alloc(Page, alignment: (nuint)1 << 62));
        Assert.Contains($"multiple of {1UL << 62}", problem.Message, StringComparison.Ordinal);
    }

    [LinuxFact]
    public void Addresses_that_are_in_use_are_no_reason_to_empty_the_pools()
    {
        using VmapAllocator vmap = VmapAllocatorTests.Make(window: 64 << 20);
        FillPools(vmap);
        void* most = vmap.Alloc(60 << 20);
        long pooled = vmap.GetStatistics().PooledPages;
        Assert.False(vmap.TryAlloc(8 << 20, VmapFlags.None, 0, out _));
        Assert.False(vmap.TryAlloc(8 << 20, VmapFlags.Huge, 0, out _));
        Assert.Equal(pooled, vmap.GetStatistics().PooledPages);
        vmap.Free(most);
        vmap.Free(vmap.Alloc(60 << 20));
        vmap.Validate();
    }

    [LinuxFact]
    public void What_is_lazy_goes_before_the_pools()
    {
        using VmapAllocator vmap = VmapAllocatorTests.Make(capacity: 8 << 20);
        FillPools(vmap);
        vmap.Free(vmap.Alloc(4 << 20));
        VmapStatistics before = vmap.GetStatistics();
        Assert.Equal(1024, before.LazyPages);
        void* next = vmap.Alloc(4 << 20);
        Assert.True(vmap.GetStatistics().PooledPages >= before.PooledPages / 2);
        vmap.Free(next);
        vmap.Validate();
    }

    [LinuxFact]
    public void Frames_that_pools_hold_are_there_for_allocate_frames()
    {
        using VmapAllocator vmap = VmapAllocatorTests.Make(capacity: 4 << 20);
        Pfn[] held = new Pfn[1];
        vmap.AllocateFrames(held);
        FillPools(vmap);

        // Lazy pages that free no frame: the frames are in the pools alone.
        vmap.Unmap(vmap.Map([held[0], held[0], held[0], held[0]]));
        Pfn[] more = new Pfn[900];
        Assert.Throws<OutOfMemoryException>(() => vmap.AllocateFrames(more, FrameFlags.NoReclaim));
        vmap.AllocateFrames(more);
        Assert.Equal(900, more.Distinct().Count());
        vmap.FreeFrames(more);
        vmap.FreeFrames(held);
        vmap.Purge(pools: true);
        vmap.Validate();
        VmapAllocatorTests.AssertEmpty(vmap);
    }

    [LinuxFact]
    public void Every_entry_point_asks_the_notifiers()
    {
        using VmapAllocator vmap = VmapAllocatorTests.Make(capacity: 4 << 20, window: 4 << 20);
        Pfn[] one = new Pfn[1];
        vmap.AllocateFrames(one);
        void* whole = Whole(vmap);
        var asked = new List<nuint>();
        void Give(nuint bytes)
        {
            asked.Add(bytes);
            vmap.Free(whole);
            whole = null;
        }

        vmap.AddPurgeNotifier(Give);
        vmap.Free(vmap.Alloc(2 << 20));
        whole = Whole(vmap);
        vmap.Unmap(vmap.Map([.. Enumerable.Repeat(one[0], 600)]));
        whole = Whole(vmap);
        vmap.UnmapRam(vmap.MapRam(one), 1);
        whole = Whole(vmap);
        Pfn[] frames = new Pfn[700];
        vmap.AllocateFrames(frames);
        Assert.Equal([2 << 20, 600 * Page, Page, 700 * Page], asked);
        vmap.Validate();
    }

    [LinuxFact]
    public void A_notifier_that_allocates_asks_nobody()
    {
        using VmapAllocator vmap = VmapAllocatorTests.Make(window: 4 << 20);
        using VmapAllocator other = VmapAllocatorTests.Make(window: 4 << 20);
        _ = Whole(vmap);
        _ = Whole(other);
        int asked = 0;
        vmap.AddPurgeNotifier(bytes =>
        {
            asked++;
            Assert.False(other.TryAlloc(2 << 20, VmapFlags.None, 0, out _));
            Assert.False(vmap.TryAlloc(2 << 20, VmapFlags.None, 0, out _));
        });
        other.AddPurgeNotifier(_ => vmap.TryAlloc(2 << 20, VmapFlags.None, 0, out void* _));
        Assert.False(vmap.TryAlloc(2 << 20, VmapFlags.None, 0, out _));
        Assert.False(vmap.TryAlloc(2 << 20, VmapFlags.None, 0, out _));
        Assert.Equal(2, asked);
    }

    [LinuxFact]
    public void A_notifier_that_throws_does_not_stop_the_others_nor_the_request()
    {
        using VmapAllocator vmap = VmapAllocatorTests.Make(window: 4 << 20);
        void* whole = Whole(vmap);
        vmap.AddPurgeNotifier(_ => throw new InvalidOperationException("not today"));
        vmap.AddPurgeNotifier(_ =>
        {
            vmap.Free(whole);
            whole = null;
        });
        Assert.True(vmap.TryAlloc(3 << 20, VmapFlags.None, 0, out void* range));
        Assert.False(vmap.TryAlloc(3 << 20, VmapFlags.None, 0, out _));
        vmap.Free(range);
        vmap.Validate();
    }

    [LinuxFact]
    public void Frames_to_hold_come_in_blocks_so_that_few_mappings_show_them()
    {
        using VmapAllocator vmap = VmapAllocatorTests.Make();
        Pfn[] scattered = new Pfn[2048];
        vmap.AllocateFrames(scattered);
        Array.Sort(scattered, (left, right) => left.Value.CompareTo(right.Value));
        vmap.FreeFrames([.. scattered.Where((_, i) => i % 2 == 0)]);
        Pfn[] ring = new Pfn[256];
        vmap.AllocateFrames(ring);
        void* twice = vmap.Map([.. ring, .. ring]);
        Assert.Equal(2u, vmap.FindArea(twice)!.Value.Mappings);

        // Also when no block is left: what there is comes in pieces as large as there are, each frame once.
        Pfn[] rest = new Pfn[(int)vmap.GetStatistics().Frames.FreeFrames];
        vmap.AllocateFrames(rest);
        Assert.Equal(rest.Length, rest.Concat(ring).Distinct().Count() - ring.Length);
        Assert.Throws<OutOfMemoryException>(() => vmap.AllocateFrames(new Pfn[1]));
        vmap.Unmap(twice);
        vmap.FreeFrames(ring);
        vmap.FreeFrames(rest);
        vmap.FreeFrames([.. scattered.Where((_, i) => i % 2 != 0)]);
        vmap.Purge(pools: true);
        vmap.Validate();
        VmapAllocatorTests.AssertEmpty(vmap);
    }

    [LinuxFact]
    public void A_refused_request_for_frames_takes_none()
    {
        using VmapAllocator vmap = VmapAllocatorTests.Make(capacity: 4 << 20);
        Assert.Throws<OutOfMemoryException>(() => vmap.AllocateFrames(new Pfn[1025]));
        Pfn[] first = new Pfn[1000];
        vmap.AllocateFrames(first);
        Assert.Throws<OutOfMemoryException>(() => vmap.AllocateFrames(new Pfn[25]));
        Assert.Equal(1000ul, vmap.GetStatistics().Frames.AllocatedFrames);
        vmap.FreeFrames(first);
        vmap.Validate();
    }

    private static void* Whole(VmapAllocator vmap)
    {
        vmap.UnmapAliases();
        vmap.Purge(pools: true);
        return vmap.Alloc((nuint)((long)vmap.GetStatistics().LargestFreePages - 1) * Page);
    }

    private static void FillPools(VmapAllocator vmap)
    {
        var live = new List<nuint>();
        for (int i = 0; i < 400; i++)
        {
            live.Add((nuint)vmap.Alloc(Page));
        }

        foreach (nuint range in live)
        {
            vmap.Free((void*)range);
        }

        Assert.Equal(400, vmap.GetStatistics().PooledPages);
    }
}
