using NativeMm.Heap;
using NativeMm.Tests.Support;
using Xunit;

namespace NativeMm.Tests.Unit.Heap;

/// <summary>Passes over heaps in which nothing happens.</summary>
public sealed unsafe class HeapRestTests
{
    /// <summary>More passes than a heap needs to come to rest.</summary>
    private const int Passes = 20;

    [Fact]
    public void Passes_over_a_heap_at_rest_take_no_lock_of_a_depot()
    {
        using var fixture = new HeapFixture();
        nint[] blocks = Use(fixture.Heap);
        RunPasses(fixture);
        Assert.True(fixture.Heap.IsAtRest);
        long before = Acquisitions(fixture);
        RunPasses(fixture);
        Assert.Equal(before, Acquisitions(fixture));
        fixture.Heap.FreeBulk(blocks);
    }

    [Fact]
    public void At_rest_nothing_is_cached_or_kept()
    {
        using var fixture = new HeapFixture();
        fixture.Heap.FreeBulk(Use(fixture.Heap));
        RunPasses(fixture);
        Assert.True(fixture.Heap.IsAtRest);
        Assert.Equal(0u, fixture.AllocatedFrames);
    }

    [Fact]
    public void Free_without_a_slow_path_ends_the_rest()
    {
        using var fixture = new HeapFixture();
        nint[] blocks = Use(fixture.Heap);
        RunPasses(fixture);
        foreach (nint block in blocks)
        {
            fixture.Heap.Free((void*)block);
        }

        fixture.Runtime.TrimIdle();
        Assert.False(fixture.Heap.IsAtRest);
        RunPasses(fixture);
        Assert.True(fixture.Heap.IsAtRest);
        Assert.Equal(0u, fixture.AllocatedFrames);
    }

    [Fact]
    public void Retained_large_block_is_no_rest()
    {
        using var fixture = new HeapFixture();
        fixture.Heap.Free(fixture.Heap.Alloc(5 << 20));
        for (int i = 0; i < Passes && fixture.Heap.GetStatistics().LargeRetainedBytes != 0; i++)
        {
            fixture.Heap.TrimIdle(TimeSpan.FromHours(1));
            Assert.False(fixture.Heap.IsAtRest);
        }

        Assert.NotEqual(0u, fixture.Heap.GetStatistics().LargeRetainedBytes);
        fixture.Heap.Trim();
        RunPasses(fixture);
        Assert.True(fixture.Heap.IsAtRest);
    }

    private static nint[] Use(NativeHeap heap)
    {
        nint[] blocks = new nint[30];
        for (int i = 0; i < blocks.Length; i++)
        {
            blocks[i] = (nint)heap.Alloc((nuint)(64 << (i % 3)));
        }

        return blocks;
    }

    private static void RunPasses(HeapFixture fixture)
    {
        for (int i = 0; i < Passes; i++)
        {
            fixture.Runtime.TrimIdle();
        }
    }

    private static long Acquisitions(HeapFixture fixture) => fixture.Heap.GetStatistics().Classes.Sum(row => row.LockAcquisitions);
}
