using NativeMm.Heap;
using NativeMm.Platform;
using NativeMm.Runtime;
using NativeMm.Tests.Support;
using Xunit;

namespace NativeMm.Tests.Unit.Runtime;

/// <summary>Large blocks and the zone share the limit of a container; only the zone's length is counted when blocks are handed out.</summary>
public sealed unsafe class LargeBlockRoomTests
{
    private const nuint Large = 40 << 20;
    private const int BlockBytes = 1000;
    private const int Blocks = 50_000;

    [LinuxFact]
    public void What_small_blocks_left_goes_before_a_large_one_passes_the_share()
    {
        using MemoryRuntime runtime = Make(shareBytes: 64 << 20);
        FreeOf(runtime, Blocks);
        Assert.InRange(Resident(runtime), 40UL << 20, ulong.MaxValue);

        void* large = runtime.Heap.Alloc(Large);

        Assert.InRange(Resident(runtime), 0UL, 8UL << 20);
        Assert.Equal(1, runtime.GetStatistics().TrimPasses);
        runtime.Heap.Free(large);
        runtime.Validate();
    }

    [LinuxFact]
    public void A_block_that_grows_past_the_share_makes_room_as_well()
    {
        using MemoryRuntime runtime = Make(shareBytes: 64 << 20);
        void* large = runtime.Heap.Alloc(4 << 20);
        FreeOf(runtime, Blocks);
        large = runtime.Heap.Realloc(large, Large);
        Assert.InRange(Resident(runtime), 0UL, 8UL << 20);
        runtime.Heap.Free(large);
    }

    [LinuxFact]
    public void Below_the_share_nothing_goes_before_its_time()
    {
        using MemoryRuntime runtime = Make(shareBytes: 256 << 20);
        FreeOf(runtime, Blocks);
        ulong before = Resident(runtime);
        void* large = runtime.Heap.Alloc(Large);
        Assert.Equal((before, 0L), (Resident(runtime), runtime.GetStatistics().TrimPasses));
        runtime.Heap.Free(large);
    }

    /// <summary>What was used once and has gone back long since counts no more.</summary>
    [LinuxFact]
    public void What_the_system_has_back_takes_no_room()
    {
        using MemoryRuntime runtime = Make(shareBytes: 64 << 20);
        FreeOf(runtime, Blocks);
        runtime.Trim();
        long passes = runtime.GetStatistics().TrimPasses;
        runtime.Heap.Free(runtime.Heap.Alloc(Large));
        Assert.Equal(passes, runtime.GetStatistics().TrimPasses);
    }

    /// <summary>Where everything is in use a pass finds nothing; it is not made for each large block.</summary>
    [LinuxFact]
    public void Passes_in_vain_are_few()
    {
        using MemoryRuntime runtime = Make(shareBytes: 64 << 20);
        void*[] used = Fill(runtime, Blocks);
        for (int i = 0; i < 200; i++)
        {
            runtime.Heap.Free(runtime.Heap.Alloc(Large));
        }

        Assert.InRange(runtime.GetStatistics().TrimPasses, 1, 100);
        Free(runtime, used);
        runtime.Validate();
    }

    [LinuxFact]
    public void Threads_that_all_need_room_get_it()
    {
        using MemoryRuntime runtime = Make(shareBytes: 64 << 20);
        Thread[] threads = [.. Enumerable.Range(0, 3).Select(_ => new Thread(AllocateBoth) { IsBackground = true })];
        Array.ForEach(threads, thread => thread.Start());
        Assert.All(threads, thread => Assert.True(thread.Join(StartGate.DefaultTimeout)));
        runtime.Validate();
        Assert.NotEqual(0, runtime.GetStatistics().TrimPasses);

        void AllocateBoth()
        {
            for (int i = 0; i < 20; i++)
            {
                FreeOf(runtime, 26_000);
                runtime.Heap.Free(runtime.Heap.Alloc(Large));
            }
        }
    }

    /// <summary>What somebody was let through for counts before it is mapped: each of several threads would find room for itself alone.</summary>
    [LinuxFact]
    public void Those_who_come_at_once_see_each_other()
    {
        using MemoryRuntime runtime = Make(shareBytes: 128 << 20);
        FreeOf(runtime, Blocks);
        IRoomKeeper room = runtime;
        room.MakeRoom(Large);
        Assert.InRange(Resident(runtime), 40UL << 20, ulong.MaxValue);
        room.MakeRoom(Large);
        Assert.InRange(Resident(runtime), 0UL, 8UL << 20);
        room.NoteTaken(Large);
        room.NoteTaken(Large);
    }

    /// <summary>The next look at the heaps waits for long then; frames that are free by now need none.</summary>
    [LinuxFact]
    public void After_a_pass_in_vain_free_frames_go_all_the_same()
    {
        using MemoryRuntime runtime = Make(shareBytes: 64 << 20);
        FreeOf(runtime, Blocks);
        ulong before = Resident(runtime);
        runtime.RoomRestsUntil = long.MaxValue;
        runtime.Heap.Free(runtime.Heap.Alloc(Large));
        Assert.InRange(Resident(runtime), 1UL, before / 2);
    }

    /// <summary>The limit of a container may be changed while its processes run.</summary>
    [LinuxFact]
    public void A_share_that_becomes_smaller_counts_from_then_on()
    {
        using MemoryRuntime runtime = Make(shareBytes: 256 << 20);
        FreeOf(runtime, Blocks);
        runtime.Heap.Free(runtime.Heap.Alloc(Large));
        ulong before = Resident(runtime);
        Assert.InRange(before, 40UL << 20, ulong.MaxValue);
        runtime.SetLimits((64 << 20, ulong.MaxValue));

        // What was found before is believed for a millisecond.
        Thread.Sleep(10);
        runtime.Heap.Free(runtime.Heap.Alloc(Large));
        Assert.InRange(Resident(runtime), 0UL, 8UL << 20);
    }

    [LinuxFact]
    public void The_share_is_read_again_once_in_a_while()
    {
        using var runtime = new MemoryRuntime(new MemoryRuntimeOptions { CapacityBytes = 64 << 20, BackgroundTrim = false });
        ulong share = runtime.Share;
        Assert.Equal(MemoryShares.ReadNative(), share);
        runtime.SetLimits((1, 1));
        TimeSpan start = TimeSpan.FromDays(1000);
        runtime.FollowLimits(start);
        Assert.Equal(share, runtime.Share);
        runtime.SetLimits((1, 1));
        runtime.FollowLimits(start + TimeSpan.FromSeconds(9));
        Assert.Equal(1ul, runtime.Share);
        runtime.FollowLimits(start + TimeSpan.FromSeconds(10));
        Assert.Equal(share, runtime.Share);
    }

    /// <summary>In a process of its own, whose other runtimes nobody else uses.</summary>
    [LinuxFact]
    public void Other_runtimes_and_garbage_make_room_when_the_process_has_its_limit()
    {
        ChildResult child = ChildProcess.Run("process-room", []);
        Assert.True(child.ExitCode == 0, child.ToString());
        string[] lines = child.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        long[] first = [.. lines[0].Split(' ').Select(long.Parse)];
        Assert.InRange(first[0], 40L << 20, long.MaxValue);
        Assert.InRange(first[1], 0, 8L << 20);
        Assert.Equal(1, first[2]);
        Assert.Equal("0", lines[1].Trim());
    }

    [LinuxFact]
    public void What_ranges_of_vmap_left_goes_for_large_blocks_and_for_small_ones()
    {
        using MemoryRuntime runtime = Make(shareBytes: 64 << 20);
        FreeRanges(runtime);
        Assert.InRange(runtime.Vmap.BackedBytes, (ulong)Large, ulong.MaxValue);
        runtime.Heap.Free(runtime.Heap.Alloc(Large));
        Assert.InRange(runtime.Vmap.BackedBytes, 0UL, 8UL << 20);

        FreeRanges(runtime);
        void*[] used = Fill(runtime, Blocks);
        Assert.InRange(runtime.Vmap.BackedBytes, 0UL, 8UL << 20);
        Free(runtime, used);
        runtime.Validate();
    }

    [LinuxFact]
    public void What_small_blocks_left_goes_for_ranges_of_vmap()
    {
        using MemoryRuntime runtime = Make(shareBytes: 64 << 20);
        FreeOf(runtime, Blocks);
        runtime.Vmap.Free(runtime.Vmap.Alloc(Large));
        Assert.InRange(runtime.Reporter.CountBackedFrames() * 4096, 0UL, 8UL << 20);
    }

    /// <summary>Of what is beyond an eighth the system may have the pages; up to a quarter the addresses stay.</summary>
    [LinuxTheory]
    [InlineData(192, true)]
    [InlineData(128, false)]
    public void A_buffer_of_up_to_a_quarter_of_the_share_is_used_again(int shareMib, bool stays)
    {
        using var runtime = new MemoryRuntime(new MemoryRuntimeOptions { CapacityBytes = 64 << 20, BackgroundTrim = false, NativeShareBytes = (ulong)shareMib << 20 });
        void* first = runtime.Heap.Alloc(Large);
        runtime.Heap.Free(first);
        Assert.Equal(stays ? (ulong)Large : 0, Assert.Single(runtime.GetStatistics().Heaps).LargeRetainedBytes);
        void* second = runtime.Heap.Alloc(Large);
        Assert.True(!stays || first == second);
        runtime.Heap.Free(second);
    }

    private static void FreeRanges(MemoryRuntime runtime)
    {
        void* range = runtime.Vmap.Alloc(Large);
        new Span<byte>(range, (int)Large).Fill(1);
        runtime.Vmap.Free(range);
    }

    private static MemoryRuntime Make(ulong shareBytes) => new(new MemoryRuntimeOptions
    {
        CapacityBytes = 128 << 20,
        LargeRetainBytesMax = 0,
        BackgroundTrim = false,
        NativeShareBytes = shareBytes,
    });

    private static void*[] Fill(MemoryRuntime runtime, int count)
    {
        var blocks = new void*[count];
        for (int i = 0; i < count; i++)
        {
            blocks[i] = runtime.Heap.Alloc(BlockBytes);
            new Span<byte>(blocks[i], BlockBytes).Fill(1);
        }

        return blocks;
    }

    private static void Free(MemoryRuntime runtime, void*[] blocks)
    {
        foreach (void* block in blocks)
        {
            runtime.Heap.Free(block);
        }
    }

    private static void FreeOf(MemoryRuntime runtime, int count) => Free(runtime, Fill(runtime, count));

    /// <summary>What the zone has of the system's memory; blocks of their own are not in it.</summary>
    private static ulong Resident(MemoryRuntime runtime)
    {
        RuntimeStatistics now = runtime.GetStatistics();
        return now.CommittedBytes - now.Heaps.Aggregate(0UL, (sum, heap) => sum + heap.LargeBytes + heap.LargeRetainedBytes);
    }
}
