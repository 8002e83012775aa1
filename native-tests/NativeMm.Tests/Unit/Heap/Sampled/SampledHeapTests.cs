using NativeMm.Diagnostics;
using NativeMm.Heap;
using NativeMm.Heap.Checked;
using NativeMm.Heap.Sampled;
using NativeMm.Runtime;
using NativeMm.Tests.Support;
using Xunit;

namespace NativeMm.Tests.Unit.Heap.Sampled;

/// <summary>A heap that guards what it can: every verb knows the guarded blocks.</summary>
public sealed unsafe class SampledHeapTests
{
    [LinuxTheory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(24)]
    [InlineData(100)]
    [InlineData(1000)]
    [InlineData(4096)]
    public void A_guarded_block_is_a_block_like_any_other(int bytes)
    {
        using MemoryRuntime runtime = Make();
        NativeHeap heap = runtime.Heap;
        byte* block = Guarded(heap, () => (nint)heap.Alloc((nuint)bytes));
        Assert.Equal((nuint)Math.Max(bytes, 1), heap.UsableSize(block));
        Assert.True(heap.Owns(block));
        new Span<byte>(block, bytes).Fill(7);
        heap.Validate();
        heap.Free(block);
        Assert.False(heap.Owns(block));
        HeapFixture.AssertFault(MemoryFaultKind.DoubleFree, () => heap.Free(block));
        HeapFixture.AssertFault(MemoryFaultKind.UseAfterFree, () => heap.UsableSize(block));
        HeapFixture.AssertFault(MemoryFaultKind.UseAfterFree, () => heap.Realloc(block, 50));
    }

    [LinuxFact]
    public void Statistics_count_guarded_blocks_as_in_use()
    {
        using MemoryRuntime runtime = Make();
        ulong before = runtime.GetStatistics().InUseBytes;
        byte* block = Guarded(runtime.Heap, () => (nint)runtime.Heap.Alloc(4096), out List<nint> others);
        runtime.Heap.FreeBulk(others.ToArray());
        HeapStatistics statistics = runtime.Heap.GetStatistics();
        Assert.Equal((1L, (ulong)Environment.SystemPageSize), (statistics.GuardedBlocks, statistics.GuardedBytes));
        RuntimeStatistics all = runtime.GetStatistics();
        Assert.Equal(before + (ulong)Environment.SystemPageSize, all.InUseBytes);
        runtime.Heap.Free(block);
        Assert.Equal(0, runtime.Heap.GetStatistics().GuardedBlocks);
        Assert.Equal(before, runtime.GetStatistics().InUseBytes);
    }

    [LinuxFact]
    public void Realloc_keeps_the_content_of_a_guarded_block()
    {
        using MemoryRuntime runtime = Make();
        NativeHeap heap = runtime.Heap;
        foreach (int to in (int[])[30, 100, 5000, 3 << 20])
        {
            byte* block = Guarded(heap, () => (nint)heap.Alloc(50));
            new Span<byte>(block, 50).Fill(9);
            byte* moved = (byte*)heap.Realloc(block, (nuint)to);
            Assert.True(new Span<byte>(moved, Math.Min(to, 50)).IndexOfAnyExcept((byte)9) < 0);
            heap.Free(moved);
        }
    }

    /// <summary>What moves into a guarded block ends where the block ends.</summary>
    [LinuxFact]
    public void A_block_that_moves_into_a_guarded_one_writes_nothing_behind_it()
    {
        using MemoryRuntime runtime = Make();
        NativeHeap heap = runtime.Heap;
        foreach (int to in (int[])[1, 15, 17, 33, 100, 159, 250, 255])
        {
            byte* block = Guarded(heap, () => Resized(heap, to));
            Assert.True(new Span<byte>(block, to).IndexOfAnyExcept((byte)0xf4) < 0);
            heap.Validate();
            heap.Free(block);
        }
    }

    [LinuxFact]
    public void Zeroed_and_aligned_blocks_are_guarded_as_asked()
    {
        using MemoryRuntime runtime = Make();
        NativeHeap heap = runtime.Heap;
        foreach (int bytes in (int[])[1, 17, 33, 63, 100, 250, 1000])
        {
            byte* block = Guarded(heap, () => (nint)heap.AllocZeroed((nuint)bytes));
            Assert.True(new Span<byte>(block, bytes).IndexOfAnyExcept((byte)0) < 0);
            heap.Free(block);
        }

        foreach (int alignment in (int[])[32, 64, 256, 1024, 4096])
        {
            byte* block = Guarded(heap, () => (nint)heap.AlignedAlloc(20, (nuint)alignment));
            Assert.Equal(0u, (nuint)block % (nuint)alignment);
            heap.Free(block);
        }
    }

    [LinuxFact]
    public void An_overrun_is_found_by_validate_and_by_free()
    {
        using MemoryRuntime runtime = Make();
        byte* block = Guarded(runtime.Heap, () => (nint)runtime.Heap.Alloc(17));
        block[17] = 1;
        HeapFixture.AssertFault(MemoryFaultKind.Overrun, runtime.Validate);
        HeapFixture.AssertFault(MemoryFaultKind.Overrun, () => runtime.Heap.Free(block));
        runtime.Validate();
    }

    [LinuxFact]
    public void A_guarded_block_in_the_wrong_heap_is_named()
    {
        using MemoryRuntime runtime = Make();
        using MemoryRuntime plain = Make(new SampledOptions());
        byte* block = Guarded(runtime.Heap, () => (nint)runtime.Heap.Alloc(100));
        using NativeHeap sibling = runtime.CreateHeap("sibling");
        HeapFixture.AssertFault(MemoryFaultKind.WrongHeap, () => sibling.Free(block));
        HeapFixture.AssertFault(MemoryFaultKind.WrongHeap, () => plain.Heap.Free(block));
        Assert.False(plain.Heap.Owns(block));
        runtime.Heap.Free(block);
    }

    [LinuxFact]
    public void A_heap_that_is_disposed_takes_its_guarded_blocks_along()
    {
        using MemoryRuntime runtime = Make();
        NativeHeap heap = runtime.CreateHeap("short");
        byte* block = Guarded(heap, () => (nint)heap.Alloc(100));
        Assert.Contains("heap 'short'", GuardedPages.IfMade!.Mistake((nuint)block + 1, "x", "Free").Message, StringComparison.Ordinal);
        heap.Dispose();
        HeapFixture.AssertFault(MemoryFaultKind.DoubleFree, () => throw GuardedPages.IfMade!.Mistake((nuint)block, "x", "Free"));
    }

    [LinuxFact]
    public void Without_the_option_in_checked_mode_and_above_a_page_nothing_is_guarded()
    {
        using MemoryRuntime off = Make(new SampledOptions());
        AssertNeverGuarded(off.Heap, 100);
        using MemoryRuntime on = Make();
        AssertNeverGuarded(on.Heap, (nuint)Environment.SystemPageSize + 1);
        using MemoryRuntime checkedOne = new(new MemoryRuntimeOptions
        {
            CapacityBytes = 64 << 20,
            BackgroundTrim = false,
            Sampled = new SampledOptions { Enabled = true, Interval = 1 },
            Checked = new CheckedOptions { Enabled = true },
        });
        AssertNeverGuarded(checkedOne.Heap, 100);
    }

    [LinuxFact]
    public void About_one_allocation_in_an_interval_is_guarded()
    {
        using MemoryRuntime runtime = Make(new SampledOptions { Enabled = true, Interval = 1000, TimePercentMax = 100 });
        var blocks = new nint[100_000];
        runtime.Heap.AllocBulk(64, blocks);
        Assert.InRange(runtime.Heap.GetStatistics().GuardedBlocks, 50, 200);
        runtime.Heap.FreeBulk(blocks);
        runtime.Validate();
    }

    [LinuxFact]
    public void What_would_take_too_long_is_not_guarded()
    {
        using MemoryRuntime runtime = Make(new SampledOptions { Enabled = true, Interval = 1 });
        var blocks = new nint[100_000];
        runtime.Heap.AllocBulk(64, blocks);
        Assert.InRange(runtime.Heap.GetStatistics().GuardedBlocks, 0, 100);
    }

    /// <summary>One block is allocated and freed over and over: no allocation ever misses, but for what the background pass empties.</summary>
    [LinuxFact]
    public void A_thread_whose_allocations_all_hit_is_sampled_too()
    {
        using MemoryRuntime runtime = Make(new SampledOptions { Enabled = true, Interval = 1_000_000, TimePercentMax = 100 });
        NativeHeap heap = runtime.Heap;
        bool guarded = false;
        for (int pass = 0; pass < 200 && !guarded; pass++)
        {
            for (int i = 0; i < 10 && !guarded; i++)
            {
                void* block = heap.Alloc(64);
                guarded = heap.GetStatistics().GuardedBlocks != 0;
                heap.Free(block);
            }

            runtime.TrimIdle(heaps: true, frames: false);
        }

        Assert.True(guarded, "200 passes went by without a sample.");
    }

    private static MemoryRuntime Make(SampledOptions? sampled = null) => new(new MemoryRuntimeOptions
    {
        CapacityBytes = 64 << 20,
        BackgroundTrim = false,
        Sampled = sampled ?? new SampledOptions { Enabled = true, Interval = 1, TimePercentMax = 100 },
    });

    private static nint Resized(NativeHeap heap, int to)
    {
        void* block = heap.Alloc(6000);
        new Span<byte>(block, 6000).Fill(0xf4);
        return (nint)heap.Realloc(block, (nuint)to);
    }

    private static bool IsGuarded(nint block) => GuardedPages.IfMade is { } pages && pages.Contains((nuint)block);

    private static byte* Guarded(NativeHeap heap, Func<nint> alloc) => Guarded(heap, alloc, out _);

    private static byte* Guarded(NativeHeap heap, Func<nint> alloc, out List<nint> others)
    {
        others = [];
        for (int i = 0; i < 10_000; i++)
        {
            nint block = alloc();
            if (IsGuarded(block))
            {
                return (byte*)block;
            }

            others.Add(block);
        }

        throw new InvalidOperationException($"Heap '{heap.Name}' guarded none of 10,000 allocations.");
    }

    private static void AssertNeverGuarded(NativeHeap heap, nuint bytes)
    {
        for (int i = 0; i < 1000; i++)
        {
            Assert.False(IsGuarded((nint)heap.Alloc(bytes)));
        }
    }
}
