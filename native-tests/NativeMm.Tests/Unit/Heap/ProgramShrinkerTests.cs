using NativeMm.Frames;
using NativeMm.Heap;
using NativeMm.Primitives;
using NativeMm.Tests.Support;
using Xunit;

namespace NativeMm.Tests.Unit.Heap;

/// <summary>A program's own shrinker, which frees blocks of the heap while an allocation of that heap waits for frames.</summary>
public sealed unsafe class ProgramShrinkerTests
{
    private const ulong Capacity = 64 << 20;

    [Theory]
    [InlineData(4096, 8)]
    [InlineData(4096, int.MaxValue)]
    [InlineData(32 << 10, 8)]
    [InlineData(32 << 10, int.MaxValue)]
    public void What_it_frees_serves_the_allocation_and_none_of_it_is_lost(int bytes, int atOnce)
    {
        using var fixture = new HeapFixture(Capacity);
        NativeHeap heap = fixture.Heap;
        List<nint> kept = [];
        var shrinker = new Shrinker(_ =>
        {
            ulong freed = 0;
            for (int i = 0; i < atOnce && kept.Count > 0; i++)
            {
                freed += heap.UsableSize((void*)kept[^1]);
                heap.Free((void*)kept[^1]);
                kept.RemoveAt(kept.Count - 1);
            }

            return freed / Pfn.FrameBytes;
        });
        fixture.Runtime.Frames.AddShrinker(shrinker);
        Run(() =>
        {
            int all = (int)(Capacity / (ulong)bytes);
            for (int i = 0; i < all / 2; i++)
            {
                kept.Add((nint)heap.Alloc((nuint)bytes));
            }

            // As much as there is: the other half, and all that the shrinker gives up.
            List<nint> used = [];
            for (int i = 0; i < all; i++)
            {
                used.Add((nint)heap.Alloc((nuint)bytes));
            }

            Assert.Empty(kept);
            Assert.Equal(used.Count, used.Distinct().Count());
            used.ForEach(block => heap.Free((void*)block));
        });
        heap.Trim();
        Assert.Equal(0, fixture.LiveBlocks);
        Assert.Equal(0u, fixture.AllocatedFrames);
    }

    [Fact]
    public void Blocks_that_it_frees_beside_frames_are_not_lost()
    {
        using var fixture = new HeapFixture(Capacity);
        NativeHeap heap = fixture.Heap;
        List<nint> blocks = [];
        List<Pfn> frames = [];
        fixture.Runtime.Frames.AddShrinker(new Shrinker(_ =>
        {
            if (frames.Count == 0)
            {
                return 0;
            }

            for (int i = 0; i < 3 && blocks.Count > 0; i++)
            {
                heap.Free((void*)blocks[^1]);
                blocks.RemoveAt(blocks.Count - 1);
            }

            fixture.Runtime.Frames.Free(frames[^1], new Order(4));
            frames.RemoveAt(frames.Count - 1);
            return 16;
        }));
        for (int i = 0; i < 100; i++)
        {
            Assert.True(fixture.Runtime.Frames.TryAllocate(new Order(4), FrameFlags.None, out Pfn frame, out _));
            frames.Add(frame);
            blocks.Add((nint)heap.Alloc(4096));
        }

        List<nint> used = [];
        while (frames.Count > 0 && heap.TryAlloc(4096, out void* block))
        {
            used.Add((nint)block);
        }

        used.ForEach(block => heap.Free((void*)block));
        blocks.ForEach(block => heap.Free((void*)block));
        heap.Trim();
        Assert.Equal(0, fixture.LiveBlocks);
    }

    [Fact]
    public void What_it_throws_reaches_the_caller_and_the_heap_goes_on()
    {
        using var fixture = new HeapFixture(Capacity);
        NativeHeap heap = fixture.Heap;
        fixture.Runtime.Frames.AddShrinker(new Shrinker(_ => throw new InvalidOperationException("The program's shrinker failed.")));
        Run(() =>
        {
            List<nint> used = [];
            Assert.Throws<InvalidOperationException>(() =>
            {
                for (ulong i = 0; i <= Capacity / (32 << 10); i++)
                {
                    used.Add((nint)heap.Alloc(32 << 10));
                }
            });
            used.ForEach(block => heap.Free((void*)block));
            heap.Free(heap.Alloc(32 << 10));
        });
        heap.Trim();
        Assert.Equal(0, fixture.LiveBlocks);
    }

    [Fact]
    public void What_it_allocates_itself_does_not_ask_the_shrinkers_again()
    {
        using var fixture = new HeapFixture(Capacity);
        int depth = 0;
        fixture.Runtime.Frames.AddShrinker(new Shrinker(_ =>
        {
            Assert.Equal(1, ++depth);
            Assert.False(fixture.Heap.TryAlloc(32 << 10, out void* _));
            depth--;
            return 0;
        }));
        List<nint> used = [];
        while (fixture.Heap.TryAlloc(32 << 10, out void* block))
        {
            used.Add((nint)block);
        }

        used.ForEach(block => fixture.Heap.Free((void*)block));
    }

    [Fact]
    public void A_thread_that_waits_for_a_shrinker_hides_nothing_from_the_others()
    {
        using var fixture = new HeapFixture(Capacity);
        NativeHeap heap = fixture.Heap;
        using var isInside = new ManualResetEventSlim();
        using var mayLeave = new ManualResetEventSlim();
        Thread? waiter = null;
        fixture.Runtime.Frames.AddShrinker(new Shrinker(_ =>
        {
            if (Thread.CurrentThread == waiter)
            {
                isInside.Set();
                Assert.True(mayLeave.Wait(StartGate.DefaultTimeout));
            }

            return 0;
        }));
        List<nint> blocks = [];
        while (heap.TryAlloc(1 << 20, out void* block))
        {
            blocks.Add((nint)block);
        }

        bool waiterGot = true;
        waiter = new Thread(() =>
        {
            // It has a few small blocks in its cache when it asks for frames in vain.
            heap.Free((void*)blocks[0]);
            heap.Free(heap.Alloc(100));
            waiterGot = heap.TryAlloc(2 << 20, out void* _);
        });
        waiter.Start();
        Assert.True(isInside.Wait(StartGate.DefaultTimeout));

        // All that it keeps comes back: the whole megabyte is there again but for what holds its small blocks.
        Run(() => heap.Trim());
        bool got = heap.TryAlloc(1 << 20, out void* last);
        mayLeave.Set();
        Assert.True(waiter.Join(StartGate.DefaultTimeout));
        Assert.True(got);
        Assert.False(waiterGot);
        heap.Free(last);
        blocks.Skip(1).ToList().ForEach(block => heap.Free((void*)block));
    }

    private static void Run(Action work)
    {
        Exception? thrown = null;
        var thread = new Thread(() => thrown = Record.Exception(work));
        thread.Start();
        Assert.True(thread.Join(StartGate.DefaultTimeout), "The thread hangs.");
        Assert.Null(thrown);
    }

    private sealed class Shrinker(Func<ulong, ulong> shrink) : IShrinker
    {
        public ulong Shrink(ulong framesWanted) => shrink(framesWanted);
    }
}
