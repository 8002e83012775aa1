using NativeMm.Heap;
using NativeMm.Runtime;
using NativeMm.Tests.Unit.Heap;
using Xunit;

namespace NativeMm.Tests.Faulty.Heap;

/// <summary>A zone of 64 MiB that runs full.</summary>
public sealed unsafe class OutOfFramesTests
{
    private const ulong Capacity = 64 << 20;

    public static TheoryData<FrameAllocatorKind> Kinds => [.. Enum.GetValues<FrameAllocatorKind>()];

    [Theory]
    [MemberData(nameof(Kinds))]
    public void The_message_says_what_was_asked_what_is_free_and_what_the_limit_is(FrameAllocatorKind kind)
    {
        using var fixture = new HeapFixture(Capacity, kind);
        List<nint> blocks = Fill(fixture.Heap, 1 << 20);
        Assert.Equal(64, blocks.Count);
        OutOfMemoryException full = Assert.Throws<OutOfMemoryException>(() => { fixture.Heap.Alloc(1 << 20); });
        Assert.Contains("'runtime' cannot allocate 1048576 bytes", full.Message, StringComparison.Ordinal);
        Assert.Contains("0 of 16384 frames are free", full.Message, StringComparison.Ordinal);
        Assert.Contains("of order 0", full.Message, StringComparison.Ordinal);
        Assert.Contains("the limit is 67108864 bytes (MemoryRuntimeOptions.CapacityBytes)", full.Message, StringComparison.Ordinal);
        Assert.Throws<OutOfMemoryException>(() => { fixture.Heap.AllocZeroed(100_000); });
        Assert.Throws<OutOfMemoryException>(() => { fixture.Heap.AlignedAlloc(100, 65536); });
        Assert.Throws<OutOfMemoryException>(() => fixture.Heap.AllocBulk(64, new nint[10]));
        Assert.False(fixture.Heap.TryAlloc(64, out void* none));
        Assert.True(none == null);

        // Large blocks do not come from the zone.
        fixture.Heap.Free(fixture.Heap.Alloc(8 << 20));
        fixture.Runtime.Validate();
        Free(fixture.Heap, blocks);
        Assert.Equal(64, AllocAgain(fixture.Heap, 1 << 20));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void What_the_thread_itself_keeps_in_small_pieces_serves_a_big_request(FrameAllocatorKind kind)
    {
        using var fixture = new HeapFixture(Capacity, kind);
        foreach (nuint bytes in (nuint[])[64, 1000, 20_000, 32 << 10, 100_000])
        {
            Free(fixture.Heap, Fill(fixture.Heap, bytes));
            Assert.Equal(32, AllocAgain(fixture.Heap, 2 << 20));
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void What_comes_home_to_slabs_that_stay_serves_a_request_of_the_class(FrameAllocatorKind kind)
    {
        using var fixture = new HeapFixture(Capacity, kind);
        List<nint> blocks = Fill(fixture.Heap, 32 << 10);
        blocks.Sort();
        using var freed = new ManualResetEventSlim();
        using var over = new ManualResetEventSlim();
        var keeper = new Thread(() =>
        {
            // Of two slabs one block each: no slab becomes whole, whatever the shrinkers do.
            fixture.Heap.Free((void*)blocks[10]);
            fixture.Heap.Free((void*)blocks[20]);
            freed.Set();
            over.Wait(TimeSpan.FromSeconds(60));
        });
        keeper.Start();
        Assert.True(freed.Wait(TimeSpan.FromSeconds(60)));
        bool zeroed = Record.Exception(() => { fixture.Heap.AllocZeroed(32 << 10); }) is null;
        bool plain = fixture.Heap.TryAlloc(32 << 10, out _);
        over.Set();
        Assert.True(keeper.Join(TimeSpan.FromSeconds(60)));
        Assert.True(zeroed && plain, $"zeroed {zeroed}, plain {plain}");
        Free(fixture.Heap, blocks);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void What_another_thread_keeps_serves_a_big_request(FrameAllocatorKind kind)
    {
        using var fixture = new HeapFixture(Capacity, kind);
        using var hoarded = new ManualResetEventSlim();
        using var over = new ManualResetEventSlim();
        var hoarder = new Thread(() =>
        {
            Free(fixture.Heap, Fill(fixture.Heap, 32 << 10));
            hoarded.Set();
            over.Wait(TimeSpan.FromSeconds(60));
        });
        hoarder.Start();
        Assert.True(hoarded.Wait(TimeSpan.FromSeconds(60)));
        Assert.True(fixture.Heap.GetStatistics().CachedBytes > 0, "Nobody hoards: the test shows nothing.");
        int got = AllocAgain(fixture.Heap, 2 << 20);
        over.Set();
        Assert.True(hoarder.Join(TimeSpan.FromSeconds(60)));
        Assert.Equal(32, got);
    }

    [Fact]
    public void What_another_heap_keeps_serves_a_big_request()
    {
        using var fixture = new HeapFixture(Capacity);
        using NativeHeap other = fixture.Runtime.CreateHeap();
        Free(other, Fill(other, 32 << 10));
        Assert.True(other.GetStatistics().CachedBytes > 0, "Nobody hoards: the test shows nothing.");
        Assert.Equal(32, AllocAgain(fixture.Heap, 2 << 20));
    }

    [Fact]
    public void Bulk_gives_all_or_nothing()
    {
        using var fixture = new HeapFixture(Capacity);
        nint[] blocks = new nint[70];
        Assert.Throws<OutOfMemoryException>(() => fixture.Heap.AllocBulk(1 << 20, blocks));
        Assert.All(blocks, block => Assert.Equal(0, block));
        Assert.Equal(0, fixture.LiveBlocks);
        fixture.Heap.AllocBulk(1 << 20, blocks.AsSpan(0, 64));
        fixture.Heap.FreeBulk(blocks);
    }

    private static List<nint> Fill(NativeHeap heap, nuint bytes)
    {
        var blocks = new List<nint>();
        while (heap.TryAlloc(bytes, out void* block))
        {
            blocks.Add((nint)block);
        }

        return blocks;
    }

    private static void Free(NativeHeap heap, List<nint> blocks) => blocks.ForEach(block => heap.Free((void*)block));

    private static int AllocAgain(NativeHeap heap, nuint bytes)
    {
        List<nint> blocks = Fill(heap, bytes);
        Free(heap, blocks);
        return blocks.Count;
    }
}
