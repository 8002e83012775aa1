using NativeMm.Heap;
using Xunit;

namespace NativeMm.Tests.Unit.Heap;

public sealed unsafe class HeapLifetimeTests
{
    [Fact]
    public void Disposal_frees_everything_that_is_in_use()
    {
        using var fixture = new HeapFixture();
        ulong before = fixture.AllocatedFrames;
        ulong mapped = fixture.Runtime.GetStatistics().CommittedBytes;
        var heap = fixture.Runtime.CreateHeap("short");
        foreach (nuint bytes in (nuint[])[1, 64, 5000, 40_000, 2 << 20, 3 << 20, 100 << 20])
        {
            for (int i = 0; i < 3; i++)
            {
                *(byte*)heap.Alloc(bytes) = 1;
            }
        }

        heap.Free(heap.Alloc(9 << 20));
        Assert.True(fixture.AllocatedFrames > before);
        heap.Dispose();
        heap.Dispose();
        Assert.Equal(before, fixture.AllocatedFrames);
        fixture.Runtime.Trim();
        Assert.True(fixture.Runtime.GetStatistics().CommittedBytes <= mapped);
    }

    [Fact]
    public void After_disposal_every_use_is_refused()
    {
        using var fixture = new HeapFixture();
        NativeHeap heap = fixture.Runtime.CreateHeap();
        nint block = (nint)heap.Alloc(64);
        heap.Dispose();
        AssertRefused(heap, block);
    }

    [Fact]
    public void A_later_heap_in_the_same_place_does_not_serve_calls_on_the_dead_one()
    {
        using var fixture = new HeapFixture();
        NativeHeap dead = fixture.Runtime.CreateHeap("dead");
        nint block = (nint)dead.Alloc(64);
        dead.Dispose();
        using NativeHeap heir = fixture.Runtime.CreateHeap("heir");
        heir.Free(heir.Alloc(64));
        AssertRefused(dead, block);
        Assert.Equal(0, heir.GetStatistics().Classes.Sum(row => row.LiveBlocks));
    }

    [Fact]
    public void The_shared_heap_ignores_its_disposal()
    {
        NativeHeap.Shared.Dispose();
        NativeHeap.Shared.Free(NativeHeap.Shared.Alloc(1));
    }

    [Fact]
    public void Heaps_that_come_and_go_leave_nothing_behind()
    {
        using var fixture = new HeapFixture();
        ulong before = fixture.AllocatedFrames;
        int highest = 0;
        for (int round = 0; round < 500; round++)
        {
            using NativeHeap heap = fixture.Runtime.CreateHeap();
            using NativeHeap second = fixture.Runtime.CreateHeap();
            nint block = (nint)heap.Alloc((nuint)(16 + round));
            *(byte*)second.Alloc(64) = 1;
            Assert.True(heap.Owns((void*)block));
            heap.Free((void*)block);
            highest = Math.Max(highest, fixture.Runtime.GetStatistics().Heaps.Count);
        }

        Assert.Equal(3, highest);
        Assert.Equal(before, fixture.AllocatedFrames);

        // The place of a heap that is gone is given to the next: otherwise the highest would have grown to a thousand.
        int slot = ThreadHeaps.TakeSlot();
        ThreadHeaps.ReturnSlot(slot);
        Assert.InRange(slot, 0, 200);
    }

    [Fact]
    public void A_tag_is_given_again_when_its_heap_is_gone_and_not_before()
    {
        using var fixture = new HeapFixture();
        Assert.True(SlabSpace.TryCreate(fixture.Runtime.Frames, fixture.Platform, out SlabSpace? space).Succeeded);
        uint first = space!.TakeTag();
        uint second = space.TakeTag();
        Assert.NotEqual(first, second);
        space.ReturnTag(first);
        Assert.Equal(first, space.TakeTag());
        for (uint i = 2; i < (1 << 24) - 1; i++)
        {
            _ = space.TakeTag();
        }

        InvalidOperationException full = Assert.Throws<InvalidOperationException>(() => space.TakeTag());
        Assert.Contains("16777215", full.Message, StringComparison.Ordinal);
        space.ReturnTag(second);
        Assert.Equal(second, space.TakeTag());
        space.Dispose();
    }

    [Fact]
    public void Heaps_one_after_the_other_have_one_tag()
    {
        using var fixture = new HeapFixture();
        List<uint> tags = [];
        for (int i = 0; i < 20; i++)
        {
            using NativeHeap heap = fixture.Runtime.CreateHeap();
            heap.Alloc(64);
            tags.Add(heap.Tag);
        }

        Assert.Single(tags.Distinct());
    }

    [Fact]
    public void A_dead_threads_cache_serves_the_next_thread()
    {
        using var fixture = new HeapFixture();
        nint left = 0;
        for (int i = 0; i < 50; i++)
        {
            var thread = new Thread(() =>
            {
                left = (nint)fixture.Heap.Alloc(64);
                fixture.Heap.Free(fixture.Heap.Alloc(64));
            });
            thread.Start();
            Assert.True(thread.Join(TimeSpan.FromSeconds(30)));
            fixture.Heap.Free((void*)left);
        }

        // One for this thread, and one that fifty threads had in turn.
        Assert.InRange(fixture.Heap.GetStatistics().ThreadCaches, 1, 3);
        Assert.Equal(0, fixture.LiveBlocks);
    }

    private static void AssertRefused(NativeHeap heap, nint block)
    {
        Assert.Throws<ObjectDisposedException>(() => { heap.Alloc(64); });
        Assert.Throws<ObjectDisposedException>(() => { heap.Alloc(8 << 20); });
        Assert.Throws<ObjectDisposedException>(() => { heap.AllocZeroed(64); });
        Assert.Throws<ObjectDisposedException>(() => { heap.AllocZeroed(64 << 10); });
        Assert.Throws<ObjectDisposedException>(() => { heap.AlignedAlloc(64, 64); });
        Assert.Throws<ObjectDisposedException>(() => { heap.TryAlloc(64, out _); });
        Assert.Throws<ObjectDisposedException>(() => { heap.Realloc((void*)block, 100); });
        Assert.Throws<ObjectDisposedException>(() => heap.Free((void*)block));
        Assert.Throws<ObjectDisposedException>(() => heap.UsableSize((void*)block));
        Assert.Throws<ObjectDisposedException>(() => heap.Trim());
        Assert.Throws<ObjectDisposedException>(heap.Validate);
        Assert.Throws<ObjectDisposedException>(() => heap.GetStatistics());
        Assert.False(heap.Owns((void*)block));
    }
}
