using NativeMm.Heap;
using NativeMm.Platform;
using Xunit;

namespace NativeMm.Tests.Unit.Heap;

/// <summary>A thread that passes through sizes leaves those behind that it does not use any more, without any trim pass.</summary>
public sealed unsafe class HeapIdleTests
{
    [Fact]
    public void A_buffer_that_grows_step_by_step_leaves_no_run_of_each_size_behind()
    {
        using var fixture = new HeapFixture();
        const int Step = 8 << 10;
        const int Last = 1 << 20;
        ulong most = 0;
        void* block = fixture.Heap.Alloc(Step);
        for (nuint bytes = 2 * Step; bytes <= Last; bytes += Step)
        {
            // As a string is grown by copying: often enough in each class that the thread earns a place for it.
            for (int i = 0; i < 4; i++)
            {
                void* next = fixture.Heap.Alloc(bytes);
                fixture.Heap.Free(block);
                block = next;
            }

            most = Math.Max(most, fixture.Heap.GetStatistics().SlabBytes);
        }

        fixture.Heap.Free(block);

        // Kept as they were earned, all sizes together would be 12 MiB.
        Assert.InRange(most, (ulong)Last, 6UL * Last);
    }

    [Fact]
    public void Slabs_of_a_size_that_is_not_used_any_more_serve_the_next_one()
    {
        using var fixture = new HeapFixture();
        PassThroughSizes(fixture);
        Assert.Equal(0, Sum(fixture, 512, row => row.Slabs));
        Assert.Equal(0, Sum(fixture, 1024, row => row.Slabs));
        Assert.NotEqual(0, Sum(fixture, 8192, row => row.Slabs));
    }

    /// <summary>A pair of allocation and free leaves a magazine where it lay, so that it looks as if nobody used it.</summary>
    [Fact]
    public void Pairs_over_many_sizes_do_not_send_home_what_they_use()
    {
        using var fixture = new HeapFixture();
        const int Pairs = 2_000_000;
        nuint[] sizes = [.. Enumerable.Range(0, 64).Select(i => (nuint)(48 + (i * i * 6)))];
        for (int i = 0; i < Pairs; i++)
        {
            void* outer = fixture.Heap.Alloc(sizes[i * 7 % 64]);
            fixture.Heap.Free(fixture.Heap.Alloc(sizes[i * 13 % 64]));
            fixture.Heap.Free(outer);
        }

        // Each wrong look sends slabs of all sizes away, to be made again: without a pace nearly each pair would go to a depot.
        Assert.InRange(fixture.Heap.GetStatistics().Classes.Sum(row => row.LockAcquisitions), 0, Pairs / 10);
    }

    /// <summary>Looks are paced by the processor time of a thread, of which a new one has had none.</summary>
    [Fact]
    public void A_thread_that_takes_over_a_cache_looks_at_its_own_pace()
    {
        using var fixture = new HeapFixture();
        var first = new Thread(() =>
        {
            long end = ThreadScheduling.CpuNanoseconds + 300_000_000;
            while (ThreadScheduling.CpuNanoseconds < end)
            {
                Thread.SpinWait(100);
            }

            PassThroughSizes(fixture);
        });
        first.Start();
        first.Join();
        fixture.Heap.Trim();
        var second = new Thread(() => PassThroughSizes(fixture));
        second.Start();
        second.Join();
        Assert.Equal(0, Sum(fixture, 512, row => row.Slabs));
        Assert.NotEqual(0, Sum(fixture, 8192, row => row.Slabs));
    }

    /// <summary>The answer of the system costs more than the slab, and was asked for at each of them once.</summary>
    [Fact]
    public void The_system_is_not_asked_for_the_processor_time_before_a_look_can_be_due()
    {
        bool isAskedEarly = true;
        bool isAskedInTime = false;
        bool hasGrown = false;
        var thread = new Thread(() =>
        {
            NativeHeap.Shared.Free(NativeHeap.Shared.Alloc(1));
            ThreadCache* cache = SharedHeapThread.t_cache;
            cache->LooksPaidUntil = long.MaxValue / 2;
            cache->NoLookUntil = long.MaxValue;
            cache->CpuSeen = 0;
            cache->GrownBytesMax = 0;
            ulong before = cache->GrownBytes;
            GrowShared();
            isAskedEarly = cache->CpuSeen != 0;
            hasGrown = cache->GrownBytes != before;
            cache->NoLookUntil = 0;
            GrowShared();
            isAskedInTime = cache->CpuSeen != 0 && cache->NoLookUntil > ThreadScheduling.ElapsedNanoseconds;
        });
        thread.Start();
        thread.Join();
        Assert.True(hasGrown);
        Assert.False(isAskedEarly);
        Assert.True(isAskedInTime);
    }

    [Fact]
    public void A_size_with_a_live_block_in_each_slab_keeps_what_it_has()
    {
        using var fixture = new HeapFixture();
        nint pin = (nint)fixture.Heap.Alloc(512);
        fixture.Heap.Free(fixture.Heap.Alloc(512));
        long cached = Cached(fixture, 512);
        Assert.NotEqual(0, cached);
        Round(fixture, 4096, 1 << 20);
        Round(fixture, 8192, 1 << 20);
        Assert.Equal(cached, Cached(fixture, 512));
        fixture.Heap.Free((void*)pin);
    }

    [Fact]
    public void A_block_that_was_freed_twice_goes_home_once()
    {
        using var fixture = new HeapFixture();
        void* block = fixture.Heap.Alloc(512);
        fixture.Heap.Free(block);
        fixture.Heap.Free(block);
        Round(fixture, 4096, 1 << 20);
        Round(fixture, 8192, 1 << 20);
        Assert.Equal(0, Sum(fixture, 512, row => row.Slabs));
    }

    private static long Cached(HeapFixture fixture, ulong blockBytes) => Sum(fixture, blockBytes, row => row.CachedBlocks);

    private static long Sum(HeapFixture fixture, ulong blockBytes, Func<HeapClassStatistics, long> what) =>
        fixture.Heap.GetStatistics().Classes.Where(row => row.BlockBytes == blockBytes).Sum(what);

    private static void GrowShared()
    {
        nint[] runs = new nint[50];
        NativeHeap.Shared.AllocBulk(300_000, runs);
        NativeHeap.Shared.FreeBulk(runs);
    }

    private static void PassThroughSizes(HeapFixture fixture)
    {
        for (nuint bytes = 256; bytes <= 8192; bytes *= 2)
        {
            Round(fixture, bytes, 256 << 10);
        }
    }

    private static void Round(HeapFixture fixture, nuint bytes, int total)
    {
        var blocks = new nint[total / (int)bytes];
        fixture.Heap.AllocBulk(bytes, blocks);
        fixture.Heap.FreeBulk(blocks);
    }
}
