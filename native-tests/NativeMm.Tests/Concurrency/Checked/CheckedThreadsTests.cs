using System.Collections.Concurrent;
using NativeMm.Diagnostics;
using NativeMm.Heap.Checked;
using NativeMm.Tests.Concurrency.Buffers;
using NativeMm.Tests.Unit.Checked;
using Xunit;

namespace NativeMm.Tests.Concurrency.Checked;

/// <summary>The ledger under many threads: nothing is lost, and of several frees of one block exactly one succeeds.</summary>
public sealed unsafe class CheckedThreadsTests
{
    private readonly RawNativeHeap _raw = new();

    [Fact]
    public void Blocks_that_wander_between_threads_add_up()
    {
        using var heap = new CheckedBlocks(_raw, new CheckedOptions { QuarantineBytesMax = 64 * 1024, StackSampleInterval = 50 });
        var passing = new ConcurrentQueue<nint>();
        int seed = Environment.TickCount;
        GatedThreads.Run(4, index =>
        {
            var random = new Random(seed + index);
            for (int i = 0; i < 5_000; i++)
            {
                int bytes = random.Next(0, 300);
                byte* block = (byte*)heap.Alloc((nuint)bytes, (nuint)(1 << random.Next(0, 9)), zeroed: (i & 1) == 0);
                new Span<byte>(block, bytes).Fill((byte)index);
                passing.Enqueue((nint)block);
                if (passing.TryDequeue(out nint other))
                {
                    other = random.Next(4) == 0 ? (nint)heap.Realloc((void*)other, (nuint)random.Next(0, 500)) : other;
                    heap.Free((void*)other);
                }

                if (i % 1000 == 0)
                {
                    heap.Validate();
                }
            }
        });
        while (passing.TryDequeue(out nint block))
        {
            heap.Free((void*)block);
        }

        heap.Validate();
        CheckedStatistics end = heap.Statistics;
        Assert.True(end.LiveBlocks == 0 && end.LiveBytes == 0, $"seed {seed}: {end}");
        Assert.Equal(end.QuarantinedBlocks, _raw.Outstanding);
        Assert.InRange(end.QuarantinedBytes, 0ul, 64ul * 1024);
    }

    [Fact]
    public void Of_many_frees_of_one_block_exactly_one_succeeds()
    {
        const int Threads = 4;
        const int Blocks = 500;
        using var heap = new CheckedBlocks(_raw, new CheckedOptions { QuarantineBytesMax = 4096 });
        nint[] blocks = [.. Enumerable.Range(0, Blocks).Select(_ => (nint)heap.Alloc(100, 16, zeroed: false))];
        long freed = 0;
        long caught = 0;
        GatedThreads.Run(Threads, _ =>
        {
            foreach (nint block in blocks)
            {
                try
                {
                    heap.Free((void*)block);
                    Interlocked.Increment(ref freed);
                }
                catch (MemoryFaultException fault) when (fault.Kind == MemoryFaultKind.DoubleFree)
                {
                    Interlocked.Increment(ref caught);
                }
            }
        });
        Assert.Equal(Blocks, freed);
        Assert.Equal(Blocks * (Threads - 1), caught);
        Assert.Equal(0, heap.Statistics.LiveBlocks);
    }

    [Fact]
    public void Overruns_of_each_thread_are_all_found_and_none_is_invented()
    {
        using var heap = new CheckedBlocks(_raw, new CheckedOptions());
        long overruns = 0;
        GatedThreads.Run(4, index =>
        {
            for (int i = 0; i < 2_000; i++)
            {
                byte* block = (byte*)heap.Alloc(48, 16, zeroed: false);
                bool damages = i % 10 == index;
                block[damages ? 48 : 47] = 1;
                try
                {
                    heap.Free(block);
                    Assert.False(damages);
                }
                catch (MemoryFaultException fault) when (fault.Kind == MemoryFaultKind.Overrun)
                {
                    Assert.True(damages);
                    Interlocked.Increment(ref overruns);
                }
            }
        });
        Assert.Equal(4 * 200, overruns);
    }
}
