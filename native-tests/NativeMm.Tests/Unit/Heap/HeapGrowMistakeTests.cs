using NativeMm.Diagnostics;
using NativeMm.Heap;
using NativeMm.Runtime;
using NativeMm.Tests.Support;
using Xunit;

namespace NativeMm.Tests.Unit.Heap;

/// <summary>Pointers that are no blocks do not grow, and what is wrong with one never becomes wrong with its neighbours.</summary>
public sealed unsafe class HeapGrowMistakeTests
{
    public static TheoryData<FrameAllocatorKind, int> KindsAndSizes
    {
        get
        {
            TheoryData<FrameAllocatorKind, int> data = [];
            foreach (FrameAllocatorKind kind in Enum.GetValues<FrameAllocatorKind>())
            {
                // 15 sixteenths of a power of two have all of its frames already; the others ask for more.
                foreach (int kibibytes in (int[])[80, 120, 160, 240, 960, 1920])
                {
                    data.Add(kind, kibibytes << 10);
                }
            }

            return data;
        }
    }

    public static TheoryData<FrameAllocatorKind> Kinds => [.. Enum.GetValues<FrameAllocatorKind>()];

    /// <summary>A run is asked to grow at each place inside it where a slab could begin; another heap's runs lie around it.</summary>
    [Theory]
    [MemberData(nameof(KindsAndSizes))]
    public void A_pointer_into_a_run_does_not_grow(FrameAllocatorKind kind, int bytes)
    {
        using var fixture = new HeapFixture(frames: kind);
        using NativeHeap other = fixture.Runtime.CreateHeap("other");
        NativeHeap[] heaps = [fixture.Heap, other];
        nint[] blocks = new nint[8];
        for (int i = 0; i < blocks.Length; i++)
        {
            blocks[i] = (nint)heaps[i % 2].Alloc((nuint)bytes);
        }

        for (int offset = 64 << 10; offset < bytes; offset += 64 << 10)
        {
            nint inside = blocks[2] + offset;
            HeapFixture.AssertFault(MemoryFaultKind.NotBlockStart, () => fixture.Heap.Realloc((void*)inside, (nuint)bytes + 1));
            HeapFixture.AssertFault(MemoryFaultKind.NotBlockStart, () => fixture.Heap.AlignedRealloc((void*)inside, (nuint)bytes + 1, 4096));
        }

        fixture.Runtime.Validate();
        for (int i = 0; i < blocks.Length; i++)
        {
            Assert.InRange(heaps[i % 2].UsableSize((void*)blocks[i]), (nuint)bytes, (nuint)bytes + ((nuint)bytes / 8));
            heaps[i % 2].Free((void*)blocks[i]);
        }

        Assert.Equal(0, fixture.LiveBlocks);
    }

    /// <summary>So many bytes from there on may reach behind the last page that there is.</summary>
    [Theory]
    [InlineData(64, 16)]
    [InlineData(4096, 4080)]
    [InlineData(40 << 10, 16)]
    [InlineData(1 << 20, 1 << 19)]
    public void A_pointer_into_a_block_is_refused_before_anything_is_copied(int bytes, int offset)
    {
        using var fixture = new HeapFixture();
        byte* block = (byte*)fixture.Heap.Alloc((nuint)bytes);
        HeapFixture.AssertFault(MemoryFaultKind.NotBlockStart, () => fixture.Heap.Realloc(block + offset, (nuint)bytes * 3));
        HeapFixture.AssertFault(MemoryFaultKind.NotBlockStart, () => fixture.Heap.Realloc(block + offset, (nuint)bytes / 4));
        Assert.Equal(1, fixture.LiveBlocks);
        fixture.Heap.Free(block);
        fixture.Heap.Validate();
    }

    /// <summary>Two threads resize one block at once: whoever comes second finds another block there or makes a mistake that is found, and no count is wrong.</summary>
    [Theory]
    [MemberData(nameof(Kinds))]
    public void A_run_that_two_threads_resize_at_once_is_counted_once(FrameAllocatorKind kind)
    {
        const int Rounds = 2000;
        using var fixture = new HeapFixture(frames: kind);
        NativeHeap heap = fixture.Heap;
        nint[] results = new nint[2];
        nint block = 0;
        using var round = new Barrier(2, _ =>
        {
            foreach (nint result in results.Distinct().Where(result => result != 0))
            {
                FreeOrMistake(heap, result);
            }

            block = (nint)heap.Alloc(240 << 10);
        });
        StartGate.Run(2, thread =>
        {
            for (int i = 0; i < Rounds; i++)
            {
                round.SignalAndWait();
                results[thread] = ResizedOrZero(heap, block, 256 << 10);
            }
        });

        foreach (nint result in results.Distinct().Where(result => result != 0))
        {
            FreeOrMistake(heap, result);
        }

        heap.Trim();
        heap.Validate();
        Assert.Equal(0u, fixture.AllocatedFrames);
    }

    /// <summary>The flush that makes room for the old block may find what somebody else did. The content has moved by then, and nobody but the caller knows where to.</summary>
    [Fact]
    public void A_mistake_that_a_resize_finds_does_not_cost_its_caller_the_block()
    {
        using var fixture = new HeapFixture();
        using var recorder = new EventRecorder();
        NativeHeap heap = fixture.Heap;
        nint[] blocks = new nint[2000];
        heap.AllocBulk(64, blocks);
        int next = blocks.Length / 2;
        heap.FreeBulk(blocks.AsSpan(0, next));
        nint twice = blocks[next++];
        heap.Free((void*)twice);
        heap.Free((void*)twice);
        string address = $"0x{twice:x}";
        int moved = 0;
        for (; next < blocks.Length; next++, moved++)
        {
            new Span<byte>((void*)blocks[next], 64).Fill((byte)next);
            byte* grown = (byte*)heap.Realloc((void*)blocks[next], 6000);
            Assert.True(new Span<byte>(grown, 64).IndexOfAnyExcept((byte)next) < 0);
            blocks[next] = (nint)grown;
        }

        Assert.Contains(recorder.Events, e => e.EventName == "MemoryFault" && e.Payload!.Contains(nameof(MemoryFaultKind.DoubleFree)) && e.Payload.Contains(address));
        Assert.Equal(moved, fixture.LiveBlocks);
        heap.FreeBulk(blocks.AsSpan(blocks.Length - moved));
        Assert.Equal(0, fixture.LiveBlocks);
    }

    private static nint ResizedOrZero(NativeHeap heap, nint block, nuint bytes)
    {
        try
        {
            return (nint)heap.Realloc((void*)block, bytes);
        }
        catch (MemoryFaultException)
        {
            return 0;
        }
    }

    private static void FreeOrMistake(NativeHeap heap, nint block)
    {
        try
        {
            heap.Free((void*)block);
        }
        catch (MemoryFaultException)
        {
            // Whoever resized it last had it from the other thread.
        }
    }
}
