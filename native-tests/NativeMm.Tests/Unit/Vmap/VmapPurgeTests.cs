using NativeMm.Diagnostics;
using NativeMm.Platform;
using NativeMm.Primitives;
using NativeMm.Reporting;
using NativeMm.Tests.Model.Vmap;
using NativeMm.Tests.Support;
using NativeMm.Vmap;
using Xunit;

namespace NativeMm.Tests.Unit.Vmap;

/// <summary>What a purge, a shrink and an idle pass give up, and how the trigger and the bound go together.</summary>
public sealed unsafe class VmapPurgeTests
{
    private const nuint Page = Pfn.FrameBytes;

    [LinuxFact]
    public void Frames_that_the_pools_keep_are_found_behind_lazy_pages_that_free_none()
    {
        using VmapAllocator vmap = VmapAllocatorTests.Make(capacity: 4 << 20);
        Pfn[] held = new Pfn[1];
        vmap.AllocateFrames(held);
        FreeAll(vmap, [.. Enumerable.Range(0, 3).Select(_ => (nuint)vmap.Alloc(200 * Page))]);
        vmap.Unmap(vmap.Map([held[0], held[0], held[0], held[0]]));
        Assert.Equal((600, 4), (vmap.GetStatistics().PooledPages, vmap.GetStatistics().LazyPages));
        Pfn[] more = new Pfn[500];
        vmap.AllocateFrames(more);
        vmap.FreeFrames(more);
        vmap.FreeFrames(held);
        vmap.Purge(pools: true);
        vmap.Validate();
        VmapAllocatorTests.AssertEmpty(vmap);
    }

    [LinuxFact]
    public void Ranges_that_are_longer_than_the_bound_leave_the_pools_too()
    {
        const uint Pages = 100;
        using VmapAllocator vmap = VmapAllocatorTests.Make(capacity: 16 << 20, bound: 16 * Page);
        FreeAll(vmap, [.. Enumerable.Range(0, 20).Select(_ => (nuint)vmap.Alloc(Pages * Page))]);
        long pooled = vmap.GetStatistics().PooledPages;
        Assert.Equal(20 * Pages, pooled);

        // A quarter, then the rest.
        Assert.Equal(5ul * Pages, vmap.Shrink(1));
        Assert.Equal(15ul * Pages, vmap.Purge(pools: true));
        VmapAllocatorTests.AssertEmpty(vmap);
        Assert.InRange(vmap.GetStatistics().LazyPagesPeak, 0, 16);
        vmap.Free(vmap.Alloc(15 << 20));
        vmap.Validate();
    }

    [LinuxFact]
    public void Ranges_that_are_longer_than_the_bound_make_room_for_a_request()
    {
        using VmapAllocator vmap = VmapAllocatorTests.Make(capacity: 16 << 20, bound: 16 * Page);
        FreeAll(vmap, [.. Enumerable.Range(0, 20).Select(_ => (nuint)vmap.Alloc(100 * Page))]);
        vmap.Free(vmap.Alloc(15 << 20));
        FreeAll(vmap, [.. Enumerable.Range(0, 4).Select(_ => (nuint)vmap.Alloc(100 * Page))]);
        for (int pass = 0; pass < 5; pass++)
        {
            vmap.TrimIdle();
        }

        VmapAllocatorTests.AssertEmpty(vmap);
    }

    [LinuxFact]
    public void Shrink_tells_frames_not_pages()
    {
        using VmapAllocator vmap = VmapAllocatorTests.Make();
        Pfn[] held = new Pfn[8];
        vmap.AllocateFrames(held);
        vmap.Unmap(vmap.Map(held));
        Assert.Equal(0ul, vmap.Shrink(1));
        vmap.Unmap(vmap.Map([.. held, .. held]));
        vmap.FreeFrames(held);
        Assert.Equal(8ul, vmap.Shrink(1));
        vmap.Free(vmap.Alloc(5 * Page));
        Assert.Equal(5ul, vmap.Shrink(1));
        VmapAllocatorTests.AssertEmpty(vmap);
    }

    [LinuxFact]
    public void A_pool_with_few_ranges_of_a_size_gives_them_up_by_and_by()
    {
        using VmapAllocator vmap = VmapAllocatorTests.Make();
        nuint[] ranges = [.. Enumerable.Range(1, 3).Select(pages => (nuint)vmap.Alloc((nuint)pages * Page)), (nuint)vmap.Alloc(3 * Page)];
        FreeAll(vmap, ranges);
        long[] pooled = new long[8];
        for (int i = 0; i < pooled.Length; i++)
        {
            vmap.Purge();
            pooled[i] = vmap.GetStatistics().PooledPages;
        }

        // A quarter of one range is one range in four purges, a quarter of two one in two. What is left of the latter waits for four again.
        Assert.Equal([9, 6, 6, 3, 3, 0, 0, 0], pooled);
        vmap.Validate();
    }

    [LinuxFact]
    public void An_allocator_of_its_own_gives_everything_back_in_idle_time()
    {
        var platform = new FaultyPlatform();
        var options = new VmapOptions
        {
            CapacityBytes = 16 << 20,
            WindowBytes = 64 << 20,
            Reporting = new PageReporterOptions { Delay = TimeSpan.Zero, HighWaterBlocks = 1 },
        };
        using var vmap = new VmapAllocator(options, platform, idleInterval: TimeSpan.FromMilliseconds(1));
        FreeAll(vmap, [.. Enumerable.Range(0, 40).Select(_ => (nuint)vmap.Alloc(Page)), (nuint)vmap.Alloc(300 * Page)]);
        Assert.True(
            SpinWait.SpinUntil(() => vmap.GetStatistics() is { PooledPages: 0, LazyPages: 0, Frames.AllocatedFrames: 0 }, TimeSpan.FromSeconds(30)),
            vmap.GetStatistics().ToString());
        Assert.True(SpinWait.SpinUntil(() => platform.Calls(PlatformCall.PunchHole) > 0, TimeSpan.FromSeconds(30)), "No page went back to the system.");
    }

    [LinuxFact]
    public void An_idle_pass_leaves_pools_in_use_alone()
    {
        using VmapAllocator vmap = VmapAllocatorTests.Make();
        FreeAll(vmap, [.. Enumerable.Range(0, 8).Select(_ => (nuint)vmap.Alloc(Page))]);
        vmap.TrimIdle();
        for (int i = 0; i < 20; i++)
        {
            vmap.Free(vmap.Alloc(Page));
            vmap.TrimIdle();
        }

        Assert.InRange(vmap.GetStatistics().PooledPages, 6, 8);
        vmap.TrimIdle();
        vmap.TrimIdle();
        Assert.InRange(vmap.GetStatistics().PooledPages, 1, 5);
        vmap.Validate();
    }

    [LinuxFact]
    public void Maps_cut_from_a_block_neither_take_the_lock_of_the_free_space_nor_allocate()
    {
        using var vmap = new VmapAllocator(new VmapOptions
        {
            CapacityBytes = 16 << 20,
            WindowBytes = 64 << 20,
            LockStatistics = true,
            Purge = new LazyPurgePolicy { Executor = PurgeExecutor.Caller },
        });
        Pfn[] frames = new Pfn[4];
        vmap.AllocateFrames(frames);

        // A block for each core that the thread may be on, and code that was compiled.
        for (int i = 0; i < 30; i++)
        {
            vmap.UnmapRam(vmap.MapRam(frames), 4);
        }

        // On another core than before a block is made, once; and a collection in between counts as bytes of this thread. So the best of a few.
        (long Taken, long Bytes) best = (long.MaxValue, long.MaxValue);
        for (int attempt = 0; attempt < 10; attempt++)
        {
            long before = Acquisitions(vmap);
            long ownLooks = Acquisitions(vmap) - before;
            long bytes = GC.GetAllocatedBytesForCurrentThread();
            vmap.UnmapRam(vmap.MapRam(frames), 4);
            vmap.UnmapRam(vmap.MapRam(frames), 4);
            bytes = GC.GetAllocatedBytesForCurrentThread() - bytes;
            best = (long.Min(best.Taken, Acquisitions(vmap) - before - (2 * ownLooks)), long.Min(best.Bytes, bytes));
        }

        Assert.Equal((0L, 0L), best);

        static long Acquisitions(VmapAllocator vmap) => vmap.GetStatistics().FreeSpaceLock!.Acquisitions;
    }

    [LinuxFact]
    public void The_span_of_what_waits_is_told()
    {
        using VmapAllocator vmap = VmapAllocatorTests.Make(pooled: 0);
        Assert.Equal(0, vmap.GetStatistics().LazySpanPages);
        nuint[] ranges = [.. Enumerable.Range(0, 5).Select(_ => (nuint)vmap.Alloc(2 * Page)).Order()];
        vmap.Free((void*)ranges[1]);
        vmap.Free((void*)ranges[4]);
        VmapStatistics now = vmap.GetStatistics();
        Assert.Equal((long)((ranges[4] - ranges[1]) / Page) + 2, now.LazySpanPages);
        Assert.Equal((4, 2), (now.LazyPages, now.LazyPieces));
        vmap.Purge();
        Assert.Equal(0, vmap.GetStatistics().LazySpanPages);
    }

    [LinuxTheory]
    [InlineData(0, 0, 4)]
    [InlineData(100, 0, 400)]
    [InlineData(0, 64, 64)]
    [InlineData(63, 64, 64)]
    public void The_trigger_is_below_the_bound(uint trigger, long bound, long expectedBound)
    {
        var policy = new LazyPurgePolicy { Executor = PurgeExecutor.Caller, LazyPagesMax = trigger };
        using VmapAllocator vmap = VmapAllocatorTests.Make(purge: policy, bound: (ulong)bound * Page);
        long automatic = LazyPurgePolicy.DefaultLazyPagesMax(Environment.ProcessorCount);
        Assert.Equal(trigger != 0 ? trigger : bound != 0 ? bound / 4 : automatic, vmap.LazyPagesMax);
        Assert.Equal(trigger == 0 && bound == 0 ? expectedBound * automatic : expectedBound, vmap.LazyPagesBound);
    }

    [Fact]
    public void A_trigger_that_could_never_be_pulled_is_refused()
    {
        var options = new VmapOptions { LazyBytesMax = 64 * Page, Purge = new LazyPurgePolicy { LazyPagesMax = 64 } };
        ArgumentOutOfRangeException problem = Assert.Throws<ArgumentOutOfRangeException>(options.Validate);
        Assert.Contains("LazyPagesMax = 64 pages", problem.Message, StringComparison.Ordinal);
        Assert.Contains("more than 262144", problem.Message, StringComparison.Ordinal);
        (options with { LazyBytesMax = 65 * Page }).Validate();
    }

    [Fact]
    public void Touching_the_nodes_to_come_changes_nothing()
    {
        const uint Pages = 2000;
        using RangeTree tree = RangeTreeModelTests.Make(0, Pages);
        for (uint page = 0; page < Pages; page += 2)
        {
            tree.Populate(page % 700);
            tree.Give(new PageRange(page, 1));
        }

        tree.Populate(uint.MaxValue);
        tree.Validate();
        Assert.Equal(Pages / 2, tree.Pages);
    }

    private static void FreeAll(VmapAllocator vmap, nuint[] ranges)
    {
        foreach (nuint range in ranges)
        {
            vmap.Free((void*)range);
        }
    }
}
