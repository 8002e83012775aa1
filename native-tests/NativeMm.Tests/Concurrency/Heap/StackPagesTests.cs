using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using NativeMm.Heap;
using NativeMm.Platform;
using NativeMm.Primitives;
using NativeMm.Tests.Support;
using Xunit;
using StackPages = NativeMm.Platform.StackPages<NativeMm.Heap.ThreadCache>;

namespace NativeMm.Tests.Concurrency.Heap;

/// <summary>Who is running, by the page of the stack: entered while a thread lives, gone when it is gone, and never anybody else's.</summary>
public sealed unsafe class StackPagesTests
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    [LinuxFact]
    public void A_page_leads_to_the_cache_of_its_thread_until_the_thread_ends()
    {
        nuint entry = 0;
        nuint key = 0;
        OnThread(() =>
        {
            // The first call gives the thread a cache, the second enters the page.
            NativeHeap.Shared.Free(NativeHeap.Shared.Alloc(40));
            NativeHeap.Shared.Free(NativeHeap.Shared.Alloc(40));
            nuint here = StackPages.Here;
            nuint* found = StackPages.EntryOf(here);
            NativeHeap.Shared.Free(NativeHeap.Shared.Alloc(40));
            if (StackPages.Knows(found, here))
            {
                Assert.Equal((nuint)SharedHeapThread.t_cache, (nuint)StackPages.Of(found));
                (entry, key) = ((nuint)found, *found);
            }
        });

        // Another thread's page may have the entry: then this one never got it, and there is nothing to see.
        Assert.True(entry == 0 || SpinWait.SpinUntil(() => Atomic.LoadAcquire(in *(nuint*)entry) != key, s_patience));
    }

    [LinuxFact]
    public void A_page_outside_of_the_threads_own_stack_is_never_entered()
    {
        // A fiber's stack, or one for signals, looks like this: memory that the running thread's stack is not in.
        const int Pages = 64;
        byte* stack = (byte*)NativeMemory.AlignedAlloc(Pages * 4096, 4096);
        OnThread(() =>
        {
            NativeHeap.Shared.Free(NativeHeap.Shared.Alloc(40));
            ThreadCache* cache = SharedHeapThread.t_cache;
            for (int page = 0; page < Pages; page++)
            {
                nuint there = (nuint)stack + ((nuint)page * 4096) + 128;
                StackPages.Enter(cache, there);
                Assert.False(StackPages.Knows(StackPages.EntryOf(there), there));
            }
        });
        NativeMemory.AlignedFree(stack);
    }

    [LinuxFact]
    public void The_bounds_of_a_stack_hold_what_runs_on_it()
    {
        byte outer = 0;
        nuint place = (nuint)(&outer);
        OnThread(() =>
        {
            Assert.True(ThreadStack.TryGetBounds(out nuint low, out nuint high));
            Assert.InRange(StackPages.Here, low, high);
            Assert.InRange(high - low, 256u << 10, 1u << 30);
            Assert.False(place >= low && place < high, "Another thread's variable lies outside.");
        });
    }

    [LinuxFact]
    public void A_thread_that_goes_deeper_than_it_has_words_keeps_its_blocks_apart()
    {
        OnThread(() => Descend(64));
        NativeHeap.Shared.Validate();
    }

    [LinuxFact]
    public void Threads_that_follow_each_other_on_the_same_stacks_keep_their_blocks_apart()
    {
        const int Generations = 60;
        const int Together = 4;
        for (int generation = 0; generation < Generations; generation++)
        {
            var threads = new Thread[Together];
            Exception? problem = null;
            for (int i = 0; i < Together; i++)
            {
                ulong mark = ((ulong)generation * Together) + (ulong)i + 1;

                // Stacks of different lengths: what one thread leaves behind is cut differently for the next.
                threads[i] = new Thread(() => problem ??= Record.Exception(() => Churn(mark)), (256 + ((generation + i) % 3 * 128)) << 10);
                threads[i].Start();
            }

            Assert.All(threads, thread => Assert.True(thread.Join(s_patience)));
            Assert.Null(problem);
        }

        NativeHeap.Shared.Validate();
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Descend(int pages)
    {
        byte* frame = stackalloc byte[4096];
        frame[0] = 1;
        ulong* block = (ulong*)NativeHeap.Shared.Alloc(48);
        *block = (ulong)pages;
        if (pages > 0)
        {
            Descend(pages - 1);
        }

        Assert.Equal((ulong)pages, *block);
        NativeHeap.Shared.Free(block);
    }

    private static void Churn(ulong mark)
    {
        const int Live = 64;
        ulong** blocks = stackalloc ulong*[Live];
        new Span<nint>(blocks, Live).Clear();
        uint random = (uint)mark * 2654435761u;
        for (int i = 0; i < 4000; i++)
        {
            random = (random * 1664525) + 1013904223;
            ref ulong* block = ref blocks[(random >> 16) % Live];
            if (block != null)
            {
                Assert.Equal(mark, *block);
                NativeHeap.Shared.Free(block);
            }

            block = (ulong*)NativeHeap.Shared.Alloc(16 + (random >> 24));
            *block = mark;
        }

        for (int i = 0; i < Live; i++)
        {
            if (blocks[i] != null)
            {
                Assert.Equal(mark, *blocks[i]);
                NativeHeap.Shared.Free(blocks[i]);
            }
        }
    }

    private static void OnThread(Action action)
    {
        Exception? problem = null;
        var thread = new Thread(() => problem = Record.Exception(action));
        thread.Start();
        Assert.True(thread.Join(s_patience));
        Assert.Null(problem);
    }
}
