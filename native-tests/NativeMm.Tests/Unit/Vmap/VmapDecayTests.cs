using NativeMm.Primitives;
using NativeMm.Tests.Support;
using NativeMm.Vmap;
using Xunit;

namespace NativeMm.Tests.Unit.Vmap;

/// <summary>What a purge takes out of the pools, in numbers, and what happens to the second of two purges.</summary>
public sealed unsafe class VmapDecayTests
{
    private const nuint Page = Pfn.FrameBytes;
    private static readonly TimeSpan s_timeout = TimeSpan.FromSeconds(30);

    [LinuxFact]
    public void Each_purge_takes_a_quarter_of_a_pool_and_never_more_than_there_is()
    {
        using VmapAllocator vmap = VmapAllocatorTests.Make();
        FillPool(vmap, 100);
        Assert.Equal(25ul, vmap.Purge());
        long now = 75;
        for (int purge = 0; purge < 20; purge++)
        {
            long taken = (long)vmap.Purge();
            Assert.InRange(taken, now / 4, (now + 3) / 4);
            now -= taken;
            Assert.Equal((now, 0), (vmap.GetStatistics().PooledPages, vmap.GetStatistics().LazyPages));
            vmap.Validate();
        }

        Assert.InRange(now, 0, 3);
        Assert.Equal((ulong)now, vmap.Purge(pools: true));
        VmapAllocatorTests.AssertEmpty(vmap);
    }

    [LinuxFact]
    public void Idle_passes_take_a_quarter_of_a_pool_rounded_up_until_it_is_empty_and_no_more()
    {
        using VmapAllocator vmap = VmapAllocatorTests.Make();
        FillPool(vmap, 100);

        // The first pass sees who took from the pools meanwhile.
        vmap.TrimIdle();
        long now = vmap.GetStatistics().PooledPages;
        Assert.InRange(now, 75, 100);
        while (now > 0)
        {
            vmap.TrimIdle();
            long next = now - ((now + 3) / 4);
            Assert.Equal(next, vmap.GetStatistics().PooledPages);
            now = next;
        }

        vmap.TrimIdle();
        vmap.Validate();
        VmapAllocatorTests.AssertEmpty(vmap);
    }

    [LinuxFact]
    public void Neighbours_in_a_pool_are_not_merged_before_they_leave_it()
    {
        using VmapAllocator vmap = VmapAllocatorTests.Make();
        FillPool(vmap, 8);
        IReadOnlyList<VmapAreaInfo> pooled = vmap.GetAreas();
        Assert.Equal(Enumerable.Repeat((1u, VmapAreaState.Pooled), 8), pooled.Select(area => (area.Pages, area.State)));
        Assert.All(pooled.Zip(pooled.Skip(1)), pair => Assert.Equal(pair.First.Address + Page, pair.Second.Address));

        // Together they are long enough for two pages; such a range is made elsewhere all the same.
        nuint two = (nuint)vmap.Alloc(2 * Page);
        Assert.DoesNotContain(pooled, area => area.Address == two);
        Assert.Equal(8, vmap.GetStatistics().PooledPages);

        // In the lazy set they are one piece.
        vmap.Purge();
        Assert.Equal((6, 1), (vmap.GetStatistics().PooledPages, vmap.GetStatistics().PurgedPieces));
        vmap.Free((void*)two);
        vmap.Purge(pools: true);
        vmap.Validate();
        VmapAllocatorTests.AssertEmpty(vmap);
    }

    [LinuxFact]
    public void A_purge_beside_another_waits_for_it_and_a_free_that_is_due_passes_it_by()
    {
        var platform = new FaultyPlatform();
        var options = new VmapOptions
        {
            CapacityBytes = 16 << 20,
            WindowBytes = 64 << 20,
            PooledBytesMaxPerCore = 0,
            Purge = new LazyPurgePolicy { Executor = PurgeExecutor.Caller, LazyPagesMax = 8 },
        };
        using var vmap = new VmapAllocator(options, platform);
        nuint[] ranges = new nuint[20];
        for (int i = 0; i < ranges.Length; i++)
        {
            ranges[i] = (nuint)vmap.Alloc(Page);
        }

        vmap.Free((void*)ranges[0]);
        using var parked = new Rendezvous(s_timeout);
        Rendezvous? place = parked;
        platform.Entering = call =>
        {
            if (call == PlatformCall.Revoke)
            {
                Interlocked.Exchange(ref place, null)?.Wait();
            }
        };
        Thread first = Start(() => vmap.Purge());
        parked.AwaitArrival();

        // Above the trigger each of these is due to purge; nobody waits for the purge that runs.
        for (int i = 1; i < 11; i++)
        {
            vmap.Free((void*)ranges[i]);
        }

        VmapStatistics beside = vmap.GetStatistics();

        // Whoever asks for a purge has its result only after the one that runs, and after his own.
        Thread second = Start(() => vmap.Purge());
        bool settled = SpinWait.SpinUntil(() => second.ThreadState.HasFlag(ThreadState.WaitSleepJoin) || !second.IsAlive, s_timeout);
        bool waited = second.IsAlive;
        parked.Release();
        Assert.True(first.Join(s_timeout) && second.Join(s_timeout));
        Assert.Equal((0, 11), (beside.Purges, beside.LazyPages));
        Assert.True(settled && waited, "A purge came back while another one had pieces that were still mapped.");
        Assert.Equal((2, 0), (vmap.GetStatistics().Purges, vmap.GetStatistics().LazyPages));
        foreach (nuint range in ranges[11..])
        {
            vmap.Free((void*)range);
        }

        vmap.Purge();
        vmap.Validate();
        VmapAllocatorTests.AssertEmpty(vmap);
    }

    /// <summary>Ranges of one page side by side, all of them in the pool of one core.</summary>
    private static void FillPool(VmapAllocator vmap, int count) => PinnedThread.Run(PinnedThread.TwoCores().First, () =>
    {
        nuint[] ranges = new nuint[count];
        for (int i = 0; i < count; i++)
        {
            ranges[i] = (nuint)vmap.Alloc(Page);
        }

        foreach (nuint range in ranges)
        {
            vmap.Free((void*)range);
        }

        Assert.Equal(count, vmap.GetStatistics().PooledPages);
    });

    private static Thread Start(Action body)
    {
        var thread = new Thread(() => body()) { IsBackground = true };
        thread.Start();
        return thread;
    }
}
