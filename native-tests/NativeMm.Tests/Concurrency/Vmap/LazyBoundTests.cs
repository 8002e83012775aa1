using NativeMm.Primitives;
using NativeMm.Tests.Support;
using NativeMm.Tests.Unit.Vmap;
using NativeMm.Vmap;
using Xunit;

namespace NativeMm.Tests.Concurrency.Vmap;

/// <summary>What happens at the bound on freed ranges, with threads kept waiting at the places where it matters.</summary>
public sealed unsafe class LazyBoundTests
{
    private const nuint Page = Pfn.FrameBytes;
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    [LinuxFact]
    public void The_bound_holds_for_frees_that_wait_for_an_addition_after_an_earlier_refusal()
    {
        using var park = new Rendezvous(s_patience);
        using Rig rig = Make(bound: 8);
        VmapAllocator vmap = rig.Vmap;
        vmap.Free(vmap.Alloc(Page));
        rig.Platform.FailCall(1, times: 1000);
        vmap.Purge();
        rig.Platform.FailNothing();
        vmap.Purge();
        Assert.Equal((0, 1), (vmap.GetStatistics().LazyPages, vmap.GetStatistics().RefusedPieces));

        (nuint all, nuint one) = ((nuint)vmap.Alloc(8 * Page), (nuint)vmap.Alloc(Page));
        rig.Set.BeforeNextAdd(park.Wait);
        Task first = Task.Factory.StartNew(() => vmap.Free((void*)all), TaskCreationOptions.LongRunning);
        park.AwaitArrival();
        Task second = Task.Factory.StartNew(() => vmap.Free((void*)one), TaskCreationOptions.LongRunning);
        // Nothing but the first addition makes room, however often the second free looks.
        int looks = rig.Set.Looks;
        Await(() => rig.Set.Looks > looks + 3 || second.IsCompleted);
        VmapStatistics now = vmap.GetStatistics();
        Assert.Equal((8, 8, 1), (now.LazyPages, now.LazyPagesPeak, now.ThrottledFrees));
        Assert.False(second.IsCompleted);
        park.Release();
        Assert.True(Task.WaitAll([first, second], s_patience));
        Assert.Equal(8, vmap.GetStatistics().LazyPagesPeak);
        rig.AssertEmpty();
    }

    [LinuxFact]
    public void The_bound_holds_for_many_producers_after_an_earlier_refusal()
    {
        const int Bound = 24;
        using Rig rig = Make(Bound);
        VmapAllocator vmap = rig.Vmap;
        vmap.Free(vmap.Alloc(Page));
        rig.Platform.FailCall(1, times: 1000);
        vmap.Purge();
        rig.Platform.FailNothing();
        StartGate.Run(4, thread =>
        {
            var random = new Random(thread);
            for (int i = 0; i < 2000; i++)
            {
                vmap.Free(vmap.Alloc((nuint)random.Next(1, 9) * Page));
            }
        });
        Assert.InRange(vmap.GetStatistics().LazyPagesPeak, 1, Bound);
        rig.AssertEmpty();
    }

    [LinuxFact]
    public void What_the_system_refuses_to_unmap_is_counted_above_the_bound_and_in_the_peak()
    {
        using Rig rig = Make(bound: 8);
        VmapAllocator vmap = rig.Vmap;
        void* large = vmap.Alloc(20 * Page);
        rig.Platform.FailCall(1, times: 1000);
        vmap.Free(large);
        VmapStatistics once = vmap.GetStatistics();
        Assert.Equal((20, 20, 1), (once.LazyPages, once.LazyPagesPeak, once.RefusedPieces));

        // A free must not fail: with everything refused it goes above the bound, and says so.
        vmap.Unmap((void*)rig.Spare);
        rig.Platform.FailNothing();
        Assert.Equal((21, 21), (vmap.GetStatistics().LazyPages, vmap.GetStatistics().LazyPagesPeak));
        rig.Spare = 0;
        rig.AssertEmpty();
    }

    [LinuxFact]
    public void All_who_wait_at_the_bound_go_on_after_one_purge_and_the_pools_stay()
    {
        const int Waiters = 8;
        using var park = new Rendezvous(s_patience);
        using Rig rig = Make(bound: 16, pooled: 4 << 20);
        VmapAllocator vmap = rig.Vmap;
        nuint[] maps = [.. Enumerable.Range(0, Waiters).Select(_ => (nuint)vmap.Map(rig.Frames.AsSpan(0, 2)))];
        nuint[] pooled = [.. Enumerable.Range(0, 400).Select(_ => (nuint)vmap.Alloc(Page))];
        void* full = vmap.Map(rig.Frames);
        foreach (nuint range in pooled)
        {
            vmap.Free((void*)range);
        }

        vmap.Unmap(full);
        VmapStatistics before = vmap.GetStatistics();
        Assert.Equal((400, 16), (before.PooledPages, before.LazyPages));
        rig.Set.BeforeNextDetach(park.Wait);
        Task purge = Task.Factory.StartNew(() => vmap.Purge(), TaskCreationOptions.LongRunning);
        park.AwaitArrival();
        Task[] frees = [.. maps.Select(map => Task.Factory.StartNew(() => vmap.Unmap((void*)map), TaskCreationOptions.LongRunning))];
        Await(() => vmap.GetStatistics().ThrottledFrees == Waiters);
        park.Release();
        Assert.True(Task.WaitAll([purge, .. frees], s_patience));
        VmapStatistics after = vmap.GetStatistics();
        Assert.Equal((before.Purges + 1, 400, 2 * Waiters), (after.Purges, after.PooledPages, after.LazyPages));
        rig.AssertEmpty();
    }

    [LinuxFact]
    public void A_free_at_the_bound_goes_on_before_the_purge_ends()
    {
        const int Pieces = 64;
        const int Batch = 10;
        using var park = new Rendezvous(s_patience);
        using Rig rig = Make(Pieces, batch: Batch);
        VmapAllocator vmap = rig.Vmap;
        nuint[] maps = [.. Enumerable.Range(0, (2 * Pieces) + 1).Select(_ => (nuint)vmap.Map(rig.Frames.AsSpan(0, 1)))];
        for (int i = 0; i < 2 * Pieces; i += 2)
        {
            vmap.Unmap((void*)maps[i]);
        }

        Assert.Equal((Pieces, Pieces), (vmap.GetStatistics().LazyPages, vmap.GetStatistics().LazyPieces));
        int revokes = 0;
        rig.Platform.Entering = call =>
        {
            if (call == PlatformCall.Revoke && ++revokes == Batch + 1)
            {
                park.Wait();
            }
        };
        Task purge = Task.Factory.StartNew(() => vmap.Purge(), TaskCreationOptions.LongRunning);
        park.AwaitArrival();
        Task free = Task.Factory.StartNew(() => vmap.Unmap((void*)maps[1]), TaskCreationOptions.LongRunning);
        Assert.True(free.Wait(s_patience), "A free waited for a whole purge although pages had been given back.");
        Assert.False(purge.IsCompleted);
        Assert.Equal(Pieces - Batch + 1, vmap.GetStatistics().LazyPages);
        park.Release();
        Assert.True(purge.Wait(s_patience));
        rig.Platform.Entering = null;
        vmap.Unmap((void*)maps[^1]);
        for (int i = 3; i < 2 * Pieces; i += 2)
        {
            vmap.Unmap((void*)maps[i]);
        }

        rig.AssertEmpty();
    }

    [LinuxFact]
    public void A_caller_that_finds_somebody_purging_is_slowed_down()
    {
        using var park = new Rendezvous(s_patience);
        using Rig rig = Make(bound: 20, trigger: new LazyPurgePolicy { Executor = PurgeExecutor.Caller, LazyPagesMax = 4 });
        VmapAllocator vmap = rig.Vmap;
        void* map = vmap.Map(rig.Frames);
        rig.Set.BeforeNextDetach(park.Wait);
        Task purge = Task.Factory.StartNew(() => vmap.Purge(), TaskCreationOptions.LongRunning);
        park.AwaitArrival();
        vmap.Unmap(map);
        Assert.Equal((16, 1), (vmap.GetStatistics().LazyPages, vmap.GetStatistics().ThrottledFrees));
        park.Release();
        Assert.True(purge.Wait(s_patience));
        rig.AssertEmpty();
    }

    [LinuxTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void Pools_and_idle_blocks_go_also_when_the_bound_is_reached(bool block)
    {
        using Rig rig = Make(bound: 16, pooled: 4 << 20);
        VmapAllocator vmap = rig.Vmap;
        vmap.Unmap((void*)rig.Spare);
        rig.Spare = 0;
        vmap.Purge();
        void* full = vmap.Map(rig.Frames);
        if (block)
        {
            vmap.UnmapRam(vmap.MapRam(rig.Frames), 16);
        }

        nuint[] pooled = [.. Enumerable.Range(0, 100).Select(_ => (nuint)vmap.Alloc(Page))];
        foreach (nuint range in pooled)
        {
            vmap.Free((void*)range);
        }

        vmap.Unmap(full);
        VmapStatistics now = vmap.GetStatistics();
        Assert.Equal((16, 100, block ? 1024 : 0), (now.LazyPages, now.PooledPages, now.BlockPages));
        rig.AssertEmpty();
        Assert.Equal(16, vmap.GetStatistics().LazyPagesPeak);
    }

    private static void Await(Func<bool> condition) => Assert.True(SpinWait.SpinUntil(condition, s_patience), "It did not come to this in time.");

    // Neither pages nor pieces pull the trigger unless a test wants it: only the bound is met.
    private static Rig Make(int bound, ulong pooled = 0, int batch = 100, LazyPurgePolicy? trigger = null)
    {
        var never = new LazyPurgePolicy
        {
            Executor = PurgeExecutor.Caller,
            Trigger = PurgeTrigger.PagesAndPieces,
            LazyPiecesMax = LazyPurgePolicy.PiecesLimit,
            LockReleaseBatch = batch,
        };
        return new Rig(new VmapOptions
        {
            CapacityBytes = 16 << 20,
            WindowBytes = 64 << 20,
            PooledBytesMaxPerCore = pooled,
            LazyBytesMax = (ulong)bound * Page,
            Purge = trigger ?? never,
        });
    }

    private sealed class Rig : IDisposable
    {
        private HookedLazySet? _set;

        public Rig(VmapOptions options)
        {
            Vmap = new VmapAllocator(options, Platform, null, geometry => _set = new HookedLazySet(geometry));
            Vmap.AllocateFrames(Frames);
            Spare = (nuint)Vmap.Map(Frames.AsSpan(0, 1));
        }

        public FaultyPlatform Platform { get; } = new();

        public VmapAllocator Vmap { get; }

        public HookedLazySet Set => _set!;

        public Pfn[] Frames { get; } = new Pfn[16];

        /// <summary>A map of one page, 0 when it was given back.</summary>
        public nuint Spare { get; set; }

        public void AssertEmpty()
        {
            Vmap.Unmap((void*)Spare);
            Vmap.FreeFrames(Frames);
            Vmap.Purge(pools: true);
            Vmap.Validate();
            VmapAllocatorTests.AssertEmpty(Vmap);
        }

        public void Dispose() => Vmap.Dispose();
    }
}
