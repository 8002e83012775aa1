using NativeMm.Heap;
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

    /// <summary>Small blocks have nobody whom they could ask for what is kept for large ones.</summary>
    [LinuxTheory]
    [InlineData(64, 8)]
    [InlineData(4096, 48)]
    public void An_eighth_of_the_share_is_kept_for_large_blocks_to_come(int shareMib, int keptMib)
    {
        using var runtime = new MemoryRuntime(new MemoryRuntimeOptions
        {
            CapacityBytes = 64 << 20,
            BackgroundTrim = false,
            NativeShareBytes = (ulong)shareMib << 20,
        });
        var blocks = new void*[12];
        for (int i = 0; i < blocks.Length; i++)
        {
            blocks[i] = runtime.Heap.Alloc(4 << 20);
        }

        Free(runtime, blocks);
        Assert.Equal((ulong)keptMib << 20, Assert.Single(runtime.GetStatistics().Heaps).LargeRetainedBytes);
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
