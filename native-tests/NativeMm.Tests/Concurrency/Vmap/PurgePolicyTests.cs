using NativeMm.Primitives;
using NativeMm.Tests.Support;
using NativeMm.Tests.Unit.Vmap;
using NativeMm.Vmap;
using Xunit;

namespace NativeMm.Tests.Concurrency.Vmap;

/// <summary>Every policy under load: contents stay whole, the bound holds at all times, and nothing is lost.</summary>
public sealed unsafe class PurgePolicyTests
{
    private const nuint Page = Pfn.FrameBytes;

    public static TheoryData<PurgeTrigger, PurgeLockRelease, int, PurgeExecutor> Policies
    {
        get
        {
            var data = new TheoryData<PurgeTrigger, PurgeLockRelease, int, PurgeExecutor>();
            foreach (PurgeTrigger trigger in Enum.GetValues<PurgeTrigger>())
            {
                foreach (PurgeExecutor executor in Enum.GetValues<PurgeExecutor>())
                {
                    data.Add(trigger, PurgeLockRelease.EveryBatch, 1, executor);
                    data.Add(trigger, PurgeLockRelease.EveryBatch, 100, executor);
                    data.Add(trigger, PurgeLockRelease.EveryBatch, 1000, executor);
                    data.Add(trigger, PurgeLockRelease.BelowThreshold, 100, executor);
                    data.Add(trigger, PurgeLockRelease.Never, 1, executor);
                }
            }

            return data;
        }
    }

    [LinuxTheory]
    [MemberData(nameof(Policies))]
    public void Contents_stay_whole_the_bound_holds_and_nothing_is_lost(
        PurgeTrigger trigger, PurgeLockRelease release, int batch, PurgeExecutor executor)
    {
        const int LazyPagesMax = 64;
        const int Bound = 256;
        var policy = new LazyPurgePolicy
        {
            Trigger = trigger,
            LockRelease = release,
            LockReleaseBatch = batch,
            Executor = executor,
            LazyPagesMax = LazyPagesMax,
            LazyPiecesMax = 24,
        };
        using VmapAllocator vmap = VmapAllocatorTests.Make(pooled: 64 << 10, purge: policy, bound: Bound * Page);
        StartGate.Run(3, thread => Churn(vmap, seed: thread, steps: 700));
        VmapStatistics busy = vmap.GetStatistics();
        Assert.True(busy.LazyPagesPeak <= Bound, $"{busy.LazyPagesPeak} pages were outstanding at a time; the bound is {Bound}.");
        Assert.True(busy.Purges > 0);
        vmap.Purge(pools: true);
        vmap.Validate();
        VmapAllocatorTests.AssertEmpty(vmap);
    }

    [LinuxTheory]
    [InlineData(PurgeExecutor.Caller)]
    [InlineData(PurgeExecutor.Worker)]
    [InlineData(PurgeExecutor.WorkerPerLazyMax)]
    public void A_storm_of_frees_against_one_purger_is_bounded_and_loses_nothing(PurgeExecutor executor)
    {
        const int Bound = 512;
        var policy = new LazyPurgePolicy { Executor = executor, LazyPagesMax = 128 };
        using VmapAllocator vmap = VmapAllocatorTests.Make(pooled: 0, purge: policy, bound: Bound * Page);
        long seen = 0;
        StartGate.Run(4, thread =>
        {
            for (int i = 0; i < 1500; i++)
            {
                if (thread == 0)
                {
                    seen = Math.Max(seen, vmap.GetStatistics().LazyPages);
                    continue;
                }

                nuint* range = (nuint*)vmap.Alloc((nuint)(1 + (i % 3)) * Page);
                *range = (nuint)range;
                Assert.Equal((nuint)range, *range);
                vmap.Free(range);
            }
        });
        VmapStatistics after = vmap.GetStatistics();
        Assert.True(seen <= Bound && after.LazyPagesPeak <= Bound, $"{after.LazyPagesPeak} pages were outstanding at a time; the bound is {Bound}.");
        Assert.Equal(after.Allocations, after.Frees);
        Assert.Equal(4500, after.Frees);
        vmap.Purge(pools: true);
        vmap.Validate();
        VmapAllocatorTests.AssertEmpty(vmap);
    }

    [LinuxFact]
    public void Ranges_freed_on_other_threads_come_back_from_the_pools()
    {
        using VmapAllocator vmap = VmapAllocatorTests.Make();
        using var handed = new System.Collections.Concurrent.BlockingCollection<nuint>(32);
        const int Count = 20_000;
        StartGate.Run(2, thread =>
        {
            for (int i = 0; i < Count; i++)
            {
                if (thread == 0)
                {
                    handed.Add((nuint)vmap.Alloc(2 * Page));
                }
                else
                {
                    vmap.Free((void*)handed.Take());
                }
            }
        });
        VmapStatistics now = vmap.GetStatistics();
        Assert.True(now.UnmapCalls * 1000 <= Count, $"{now.UnmapCalls} calls unmapped something in {Count} frees.");
        Assert.True(now.MapCalls < Count / 10, $"{now.MapCalls} calls mapped something in {Count} allocations.");
        vmap.Validate();
    }

    [LinuxFact]
    public void Readers_of_the_list_and_of_contents_never_fault_beside_frees_and_purges()
    {
        var policy = new LazyPurgePolicy { LazyPagesMax = 32, Executor = PurgeExecutor.Worker };
        using VmapAllocator vmap = VmapAllocatorTests.Make(pooled: 0, purge: policy);
        nuint low = (nuint)vmap.Alloc(Page);
        StartGate.Run(3, thread =>
        {
            if (thread != 0)
            {
                Churn(vmap, thread, 1500);
                return;
            }

            byte[] copy = new byte[(int)(64 * Page)];
            for (int i = 0; i < 200; i++)
            {
                vmap.Read((void*)low, copy);
                foreach (VmapAreaInfo area in vmap.GetAreas())
                {
                    Assert.True(area.Pages <= 32 && area.Address >= low, area.ToString());
                }
            }
        });
        vmap.Free((void*)low);
        vmap.Purge(pools: true);
        vmap.Validate();
        VmapAllocatorTests.AssertEmpty(vmap);
    }

    /// <summary>Random allocations of one thread, each stamped at its first and last word, checked when it is freed.</summary>
    private static void Churn(VmapAllocator vmap, int seed, int steps)
    {
        var random = new Random(seed);
        var live = new List<(nuint Address, nuint Bytes)>();
        for (int step = 0; step < steps || live.Count > 0; step++)
        {
            if (step < steps && random.Next(100) < 55)
            {
                nuint bytes = (nuint)random.Next(1, 12) * Page;
                nuint range = (nuint)vmap.Alloc(bytes, random.Next(4) == 0 ? VmapFlags.Guarded : VmapFlags.None);
                *(nuint*)range = range;
                *(nuint*)(range + bytes - (nuint)sizeof(nuint)) = ~range;
                live.Add((range, bytes));
            }
            else if (live.Count > 0)
            {
                int which = random.Next(live.Count);
                (nuint range, nuint bytes) = live[which];
                live.RemoveAt(which);
                Assert.Equal(range, *(nuint*)range);
                Assert.Equal(~range, *(nuint*)(range + bytes - (nuint)sizeof(nuint)));
                vmap.Free((void*)range);
            }
        }
    }
}
