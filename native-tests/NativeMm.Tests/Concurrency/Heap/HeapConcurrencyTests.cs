using System.Collections.Concurrent;
using System.Diagnostics;
using NativeMm.Heap;
using NativeMm.Runtime;
using NativeMm.Tests.Support;
using NativeMm.Tests.Unit.Heap;
using Xunit;

namespace NativeMm.Tests.Concurrency.Heap;

public sealed class HeapConcurrencyTests
{
    /// <summary>So often somebody trims beside the others, whatever cores he gets.</summary>
    private const int TrimsMin = 20;

    private static readonly TimeSpan s_duration = TimeSpan.FromSeconds(1.5);

    public static TheoryData<FrameAllocatorKind> Kinds => [.. Enum.GetValues<FrameAllocatorKind>()];

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Threads_that_hand_blocks_to_each_other_under_constant_trimming_lose_nothing(FrameAllocatorKind kind)
    {
        const int Threads = 8;
        using var fixture = new HeapFixture(frames: kind);
        nint[] slots = new nint[200];
        int seed = Environment.TickCount;
        long end = End();
        StartGate.RunBeside(Threads, Work, 1, (_, goesOn) => TrimWhile(fixture.Runtime, goesOn));
        foreach (nint block in slots.Where(block => block != 0))
        {
            StampedBlock.CheckAndFree(fixture.Heap, block);
        }

        AssertAllFree(fixture, $"seed {seed}");

        void Work(int thread)
        {
            var random = new Random(seed + thread);
            while (Stopwatch.GetTimestamp() < end)
            {
                nint block = StampedBlock.Alloc(fixture.Heap, SizeFrom(random));
                nint other = Interlocked.Exchange(ref slots[random.Next(slots.Length)], block);
                if (other != 0)
                {
                    StampedBlock.CheckAndFree(fixture.Heap, other);
                }
            }
        }
    }

    [Fact]
    public void A_consumer_frees_what_a_producer_allocates()
    {
        const int Blocks = 100_000;
        using var fixture = new HeapFixture();
        using var queue = new BlockingCollection<nint>(500);
        StartGate.Run(2, thread =>
        {
            if (thread == 0)
            {
                var random = new Random(1);
                for (int i = 0; i < Blocks; i++)
                {
                    queue.Add(StampedBlock.Alloc(fixture.Heap, random.Next(16, 300)));
                }

                queue.CompleteAdding();
                return;
            }

            foreach (nint block in queue.GetConsumingEnumerable())
            {
                StampedBlock.CheckAndFree(fixture.Heap, block);
            }
        });

        // What flowed was far more than what may stay: the freed blocks came back to the producer.
        Assert.True(fixture.Heap.GetStatistics().SlabBytes < 4 << 20, $"{fixture.Heap.GetStatistics().SlabBytes} bytes of slabs.");
        AssertAllFree(fixture, "producer and consumer");
    }

    [Fact]
    public void Blocks_of_dead_threads_are_freed_by_the_living()
    {
        using var fixture = new HeapFixture();
        for (int round = 0; round < 20; round++)
        {
            var left = new ConcurrentBag<nint>();
            StartGate.Run(4, thread =>
            {
                var random = new Random(thread);
                for (int i = 0; i < 500; i++)
                {
                    left.Add(StampedBlock.Alloc(fixture.Heap, SizeFrom(random)));
                }
            });
            foreach (nint block in left)
            {
                StampedBlock.CheckAndFree(fixture.Heap, block);
            }
        }

        Assert.InRange(fixture.Heap.GetStatistics().ThreadCaches, 1, 16);
        AssertAllFree(fixture, "dead threads");
    }

    [Fact]
    public void A_block_that_a_trim_takes_is_never_handed_out_at_the_same_moment()
    {
        using var fixture = new HeapFixture();
        long end = End();
        int trims = 0;
        StartGate.RunBeside(2, _ => Own(), 1, (_, goesOn) => Trim(goesOn));
        AssertAllFree(fixture, "tight loops");

        void Own()
        {
            // Few small blocks in a tight loop: most of the time the owner is inside a pop or a push.
            nint[] own = new nint[8];
            while (Stopwatch.GetTimestamp() < end || Volatile.Read(ref trims) < TrimsMin)
            {
                for (int i = 0; i < own.Length; i++)
                {
                    own[i] = StampedBlock.Alloc(fixture.Heap, 16);
                }

                foreach (nint block in own)
                {
                    StampedBlock.CheckAndFree(fixture.Heap, block);
                }
            }
        }

        void Trim(Func<bool> goesOn)
        {
            while (goesOn())
            {
                fixture.Heap.Trim();
                Interlocked.Increment(ref trims);
            }
        }
    }

    [Fact]
    public unsafe void Many_short_heaps_are_disposed_under_idle_passes()
    {
        using var fixture = new HeapFixture();
        StartGate.RunBeside(
            1,
            _ =>
            {
                for (int i = 0; i < 1500; i++)
                {
                    using NativeHeap heap = fixture.Runtime.CreateHeap();
                    heap.Free(heap.Alloc(64));
                }
            },
            1,
            (_, goesOn) =>
            {
                while (goesOn())
                {
                    fixture.Runtime.TrimIdle();
                }
            });
        AssertAllFree(fixture, "short heaps");
    }

    [Fact]
    public void Heaps_may_be_disposed_while_the_runtime_trims_and_counts()
    {
        using var fixture = new HeapFixture();
        StartGate.RunBeside(2, MakeAndDispose, 1, (_, goesOn) => TrimWhile(fixture.Runtime, goesOn));
        AssertAllFree(fixture, "heaps that come and go");

        void MakeAndDispose(int thread)
        {
            var random = new Random(thread);
            for (int i = 0; i < 100; i++)
            {
                using NativeHeap heap = fixture.Runtime.CreateHeap();
                for (int block = 0; block < 60; block++)
                {
                    nint kept = StampedBlock.Alloc(heap, SizeFrom(random));
                    StampedBlock.CheckAndFree(heap, StampedBlock.Alloc(heap, SizeFrom(random)));
                    if (block % 2 == 0)
                    {
                        StampedBlock.CheckAndFree(heap, kept);
                    }
                }
            }
        }
    }

    private static long End() => Stopwatch.GetTimestamp() + (long)(s_duration.TotalSeconds * Stopwatch.Frequency);

    private static void TrimWhile(MemoryRuntime runtime, Func<bool> condition)
    {
        for (int pass = 0; condition(); pass++)
        {
            switch (pass % 4)
            {
                case 0:
                    runtime.Trim();
                    break;
                case 1:
                    _ = runtime.GetStatistics();
                    break;
                default:
                    runtime.TrimIdle();
                    break;
            }
        }
    }

    private static int SizeFrom(Random random) => random.Next(100) switch
    {
        < 80 => random.Next(16, 600),
        < 95 => random.Next(600, 40_000),
        < 99 => random.Next(40_000, 300_000),
        _ => random.Next(1 << 20, 3 << 20),
    };

    private static void AssertAllFree(HeapFixture fixture, string what)
    {
        fixture.Runtime.Validate();
        Assert.True(fixture.LiveBlocks == 0, $"{what}: {fixture.LiveBlocks} blocks are said to be live.");
        fixture.Runtime.Trim();
        fixture.Runtime.Validate();
        Assert.True(fixture.AllocatedFrames == 0, $"{what}: {fixture.AllocatedFrames} frames are left.");
    }
}
