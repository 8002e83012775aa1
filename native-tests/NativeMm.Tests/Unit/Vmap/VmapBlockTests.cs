using NativeMm.Diagnostics;
using NativeMm.Primitives;
using NativeMm.Tests.Support;
using NativeMm.Vmap;
using Xunit;

namespace NativeMm.Tests.Unit.Vmap;

public sealed unsafe class VmapBlockTests
{
    private const nuint Page = Pfn.FrameBytes;

    [LinuxFact]
    public void Short_maps_show_their_frames_and_share_one_range()
    {
        using VmapAllocator vmap = VmapAllocatorTests.Make();
        Pfn[] frames = new Pfn[5];
        vmap.AllocateFrames(frames);
        byte* first = (byte*)vmap.MapRam(frames);
        byte* second = (byte*)vmap.MapRam(frames.AsSpan(1, 2));
        first[Page] = 42;
        Assert.Equal(42, *second);
        Assert.Equal(1, vmap.GetAreas().Count(area => area.State == VmapAreaState.Block));
        vmap.UnmapRam(first, 5);
        Assert.Equal(MemoryFaultKind.ForeignPointer, Assert.Throws<MemoryFaultException>(() => vmap.UnmapRam(first, 5)).Kind);
        vmap.UnmapRam(second, 2);
        vmap.FreeFrames(frames);
        vmap.Purge(pools: true);
        vmap.Validate();
        VmapAllocatorTests.AssertEmpty(vmap);
    }

    [LinuxFact]
    public void A_block_is_unmapped_by_one_call_when_all_of_it_is_used_up()
    {
        using VmapAllocator vmap = VmapAllocatorTests.Make();
        Pfn[] frames = new Pfn[4];
        vmap.AllocateFrames(frames);
        long before = vmap.GetStatistics().UnmapCalls;
        for (int i = 0; i < 1024 / 4; i++)
        {
            vmap.UnmapRam(vmap.MapRam(frames), 4);
        }

        Assert.Equal(before, vmap.GetStatistics().UnmapCalls);
        vmap.Purge();
        Assert.True(vmap.GetStatistics().UnmapCalls - before <= Environment.ProcessorCount + 1);
        vmap.FreeFrames(frames);
        vmap.Purge(pools: true);
        vmap.Validate();
        VmapAllocatorTests.AssertEmpty(vmap);
    }

    [LinuxFact]
    public void Stale_parts_of_fully_cut_blocks_are_unmapped_too()
    {
        using VmapAllocator vmap = VmapAllocatorTests.Make();
        Pfn[] frames = new Pfn[64];
        vmap.AllocateFrames(frames);
        var maps = new List<nuint>();
        for (int i = 0; i < 40; i++)
        {
            maps.Add((nuint)vmap.MapRam(frames));
        }

        for (int i = 0; i < maps.Count; i += 2)
        {
            vmap.UnmapRam((void*)maps[i], 64);
        }

        Assert.Equal(40u, vmap.References(frames[0]).Mappings);
        vmap.UnmapAliases();
        Assert.Equal(20u, vmap.References(frames[0]).Mappings);
        for (int i = 1; i < maps.Count; i += 2)
        {
            *(byte*)maps[i] = 1;
            vmap.UnmapRam((void*)maps[i], 64);
        }

        vmap.FreeFrames(frames);
        vmap.Purge(pools: true);
        vmap.Validate();
        VmapAllocatorTests.AssertEmpty(vmap);
    }

    [LinuxFact]
    public void Maps_of_all_threads_are_returned_by_all_others_beside_purges()
    {
        // Luck decides which cores meet here; VmapBlockQueueTests decides it by itself.
        using VmapAllocator vmap = VmapAllocatorTests.Make();
        Pfn[] frames = new Pfn[8];
        vmap.AllocateFrames(frames);
        using var handed = new System.Collections.Concurrent.BlockingCollection<nuint>(64);
        StartGate.Run(4, thread =>
        {
            for (int i = 0; i < 3000; i++)
            {
                if (thread % 2 == 0)
                {
                    handed.Add((nuint)vmap.MapRam(frames));
                }
                else
                {
                    vmap.UnmapRam((void*)handed.Take(), 8);
                    if (i % 500 == 0)
                    {
                        vmap.Purge();
                    }
                }
            }
        });
        vmap.FreeFrames(frames);
        vmap.Purge(pools: true);
        vmap.Validate();
        VmapAllocatorTests.AssertEmpty(vmap);
    }

    [LinuxFact]
    public void A_map_is_taken_back_by_its_start_and_its_count_only()
    {
        using VmapAllocator vmap = VmapAllocatorTests.Make();
        Pfn[] frames = new Pfn[16];
        vmap.AllocateFrames(frames);
        byte* eight = (byte*)MapOnOneCore(vmap, frames.AsSpan(0, 8), out byte* next, 4);
        Assert.Equal((nuint)eight + (8 * Page), (nuint)next);
        AssertRefused(vmap, eight, 4, MemoryFaultKind.WrongSize, "has 8 frames and was handed back with 4");
        AssertRefused(vmap, eight, 5, MemoryFaultKind.WrongSize, "has 8 frames and was handed back with 5");
        AssertRefused(vmap, eight, 16, MemoryFaultKind.WrongSize, "has 8 frames and was handed back with 16");
        AssertRefused(vmap, eight, 0, MemoryFaultKind.WrongSize, "handed back with 0");
        AssertRefused(vmap, eight, -1, MemoryFaultKind.WrongSize, "handed back with -1");
        AssertRefused(vmap, eight, 65, MemoryFaultKind.WrongSize, "handed back with 65");
        AssertRefused(vmap, eight + (4 * Page), 4, MemoryFaultKind.NotBlockStart, "16384 bytes into the block of 32768 bytes");
        AssertRefused(vmap, eight + 1, 8, MemoryFaultKind.NotBlockStart, "1 bytes into the block");
        AssertRefused(vmap, next, 8, MemoryFaultKind.WrongSize, "has 4 frames and was handed back with 8");
        AssertRefused(vmap, next + (4 * Page), 4, MemoryFaultKind.ForeignPointer, "was never made");
        next[(4 * Page) - 1] = 1;
        vmap.UnmapRam(eight, 8);
        AssertRefused(vmap, eight, 8, MemoryFaultKind.ForeignPointer, "unmapped already");
        vmap.UnmapRam(next, 4);
        vmap.FreeFrames(frames);
        vmap.Purge(pools: true);
        vmap.Validate();
        VmapAllocatorTests.AssertEmpty(vmap);
    }

    [LinuxFact]
    public void A_map_too_long_for_a_block_has_a_count_too()
    {
        using VmapAllocator vmap = VmapAllocatorTests.Make();
        Pfn[] frames = new Pfn[100];
        vmap.AllocateFrames(frames);
        byte* map = (byte*)vmap.MapRam(frames);
        AssertRefused(vmap, map, 99, MemoryFaultKind.WrongSize, "has 100 frames and was handed back with 99");
        AssertRefused(vmap, map, 1, MemoryFaultKind.WrongSize, "has 100 frames and was handed back with 1");
        AssertRefused(vmap, map + Page, 100, MemoryFaultKind.NotBlockStart, "4096 bytes into the block");
        byte* other = (byte*)vmap.Map(frames.AsSpan(0, 2));
        AssertRefused(vmap, other, 2, MemoryFaultKind.WrongHeap, "Unmap takes it back");
        map[(100 * Page) - 1] = 1;
        vmap.UnmapRam(map, 100);
        AssertRefused(vmap, map, 100, MemoryFaultKind.DoubleFree, "Double free");
        vmap.Unmap(other);
        vmap.FreeFrames(frames);
        vmap.Purge(pools: true);
        vmap.Validate();
        VmapAllocatorTests.AssertEmpty(vmap);
    }

    [LinuxFact]
    public void Who_maps_does_not_wait_for_a_flush_that_is_in_the_system()
    {
        using var park = new Rendezvous(TimeSpan.FromSeconds(30));
        var platform = new FaultyPlatform();
        using var vmap = new VmapAllocator(
            new VmapOptions { CapacityBytes = 16 << 20, WindowBytes = 64 << 20, Purge = new LazyPurgePolicy { Executor = PurgeExecutor.Caller } }, platform);
        Pfn[] frames = new Pfn[4];
        vmap.AllocateFrames(frames);
        var live = new List<nuint>();
        for (int i = 0; i < 64; i++)
        {
            live.Add((nuint)vmap.MapRam(frames));
            vmap.UnmapRam(vmap.MapRam(frames), 4);
        }

        Assert.Equal(128u, vmap.References(frames[0]).Mappings);
        int revokes = 0;
        platform.Entering = call =>
        {
            if (call == PlatformCall.Revoke && ++revokes == 2)
            {
                park.Wait();
            }
        };
        Task flush = Task.Factory.StartNew(vmap.UnmapAliases, TaskCreationOptions.LongRunning);
        park.AwaitArrival();

        // Everything of every core's block goes back while a part of one is being unmapped: none of them may go before that is done.
        Task others = Task.Factory.StartNew(
            () =>
            {
                foreach (nuint map in live)
                {
                    vmap.UnmapRam((void*)map, 4);
                }

                for (int i = 0; i < 300; i++)
                {
                    vmap.UnmapRam(vmap.MapRam(frames), 4);
                }
            },
            TaskCreationOptions.LongRunning);
        Assert.True(others.Wait(TimeSpan.FromSeconds(30)), "Maps waited for a system call of somebody else's flush.");
        Assert.False(flush.IsCompleted);
        park.Release();
        Assert.True(flush.Wait(TimeSpan.FromSeconds(30)));
        platform.Entering = null;
        vmap.FreeFrames(frames);
        vmap.Purge(pools: true);
        vmap.Validate();
        VmapAllocatorTests.AssertEmpty(vmap);
    }

    [LinuxFact]
    public void Blocks_that_were_made_at_the_same_time_go_with_their_last_map()
    {
        int queues = (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)Environment.ProcessorCount);
        int threads = 2 * queues;
        int missing = threads;
        using var together = new Barrier(threads);
        using var vmap = new VmapAllocator(
            new VmapOptions { CapacityBytes = 16 << 20, WindowBytes = 1 << 30, Purge = new LazyPurgePolicy { Executor = PurgeExecutor.Caller } },
            NativeMm.Platform.SystemPlatform.Current,
            geometry => new HookedFreeSpace(geometry, pages =>
            {
                // Nobody has made his block before all are about to: at least two of one queue.
                if (pages == VmapBlock.Pages && Interlocked.Decrement(ref missing) >= 0)
                {
                    Assert.True(together.SignalAndWait(TimeSpan.FromSeconds(30)));
                }
            }));
        Pfn[] frames = new Pfn[3];
        vmap.AllocateFrames(frames);
        nuint[] maps = new nuint[threads];
        StartGate.Run(threads, thread => maps[thread] = (nuint)vmap.MapRam(frames));
        Assert.Equal(threads, vmap.GetAreas().Count(area => area.State == VmapAreaState.Block));
        foreach (nuint map in maps)
        {
            vmap.UnmapRam((void*)map, 3);
        }

        // Each queue keeps the one that it cuts from.
        Assert.InRange(vmap.GetAreas().Count(area => area.State == VmapAreaState.Block), 0, queues);
        vmap.FreeFrames(frames);
        vmap.Purge(pools: true);
        vmap.Validate();
        VmapAllocatorTests.AssertEmpty(vmap);
    }

    /// <summary>Two maps that lie side by side: cut from the same block, as nearly always, but a thread may move to another core in between.</summary>
    private static void* MapOnOneCore(VmapAllocator vmap, ReadOnlySpan<Pfn> frames, out byte* next, int nextCount)
    {
        for (int attempt = 0; attempt < 100; attempt++)
        {
            byte* first = (byte*)vmap.MapRam(frames);
            next = (byte*)vmap.MapRam(frames[..nextCount]);
            if (next == first + ((nuint)frames.Length * Page))
            {
                return first;
            }

            vmap.UnmapRam(first, frames.Length);
            vmap.UnmapRam(next, nextCount);
        }

        throw new InvalidOperationException("The thread is on another core each time.");
    }

    private static void AssertRefused(VmapAllocator vmap, byte* address, int count, MemoryFaultKind kind, string text)
    {
        MemoryFaultException fault = Assert.Throws<MemoryFaultException>(() => vmap.UnmapRam(address, count));
        Assert.Equal(kind, fault.Kind);
        Assert.Contains(text, fault.Message, StringComparison.Ordinal);
        Assert.Contains($"0x{(nuint)address:x}", fault.Message, StringComparison.Ordinal);
    }
}
