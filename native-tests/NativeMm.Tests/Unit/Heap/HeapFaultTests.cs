using System.Runtime.InteropServices;
using NativeMm.Diagnostics;
using NativeMm.Heap;
using Xunit;

namespace NativeMm.Tests.Unit.Heap;

/// <summary>Mistakes of the caller are found and named.</summary>
public sealed unsafe class HeapFaultTests
{
    // More blocks of 64 bytes than a thread's cache and the depot's batches hold together.
    private const int Many = 2000;

    [Fact]
    public void A_block_freed_twice_is_found_when_the_cache_gives_its_blocks_back()
    {
        using var fixture = new HeapFixture();
        nint[] blocks = FullStock(fixture, out int next);
        nint twice = blocks[next++];
        fixture.Heap.Free((void*)twice);
        fixture.Heap.Free((void*)twice);
        MemoryFaultException fault = AssertOneFault(fixture, blocks.AsSpan(next), MemoryFaultKind.DoubleFree);
        Assert.Equal((nuint)twice, fault.Address);
        Assert.Contains("freed twice", fault.Message, StringComparison.Ordinal);
        Assert.Equal(0, fixture.LiveBlocks);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(Many)]
    public void A_mistake_that_only_a_trim_finds_leaves_its_event(int others)
    {
        using var fixture = new HeapFixture();
        using var recorder = new EventRecorder();
        nint[] blocks = new nint[others];
        nint twice = (nint)fixture.Heap.Alloc(64);
        fixture.Heap.AllocBulk(64, blocks);
        nint kept = (nint)fixture.Heap.Alloc(64);
        fixture.Heap.Free((void*)twice);
        fixture.Heap.Free((void*)twice);
        fixture.Heap.FreeBulk(blocks.AsSpan(0, Math.Min(others, 200)));
        fixture.Heap.Trim();
        string address = $"0x{twice:x}";
        Assert.Contains(recorder.Events, e => e.EventName == "MemoryFault" && e.Payload!.Contains(nameof(MemoryFaultKind.DoubleFree)) && e.Payload.Contains(address));
        Assert.True(fixture.Heap.Owns((void*)kept));
        fixture.Heap.FreeBulk(blocks.AsSpan(Math.Min(others, 200)));
        fixture.Heap.Free((void*)kept);
        Assert.Equal(0, fixture.LiveBlocks);
    }

    [Fact]
    public void A_pointer_into_a_block_is_found_when_the_cache_gives_its_blocks_back()
    {
        using var fixture = new HeapFixture();
        nint[] blocks = FullStock(fixture, out int next);
        nint inside = blocks[next] + 16;
        fixture.Heap.Free((void*)inside);
        MemoryFaultException fault = AssertOneFault(fixture, blocks.AsSpan(next), MemoryFaultKind.NotBlockStart);
        Assert.Equal((nuint)inside, fault.Address);
        Assert.Contains("inside a block", fault.Message, StringComparison.Ordinal);
        Assert.Equal(0, fixture.LiveBlocks);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(8)]
    [InlineData(15)]
    public void A_pointer_that_is_not_a_multiple_of_sixteen_is_found_at_once(int offset)
    {
        using var fixture = new HeapFixture();
        nint block = (nint)fixture.Heap.Alloc(64);
        MemoryFaultException fault = HeapFixture.AssertFault(MemoryFaultKind.NotBlockStart, () => fixture.Heap.Free((void*)(block + offset)));
        Assert.Contains("not at the start of a block", fault.Message, StringComparison.Ordinal);
        HeapFixture.AssertFault(MemoryFaultKind.NotBlockStart, () => fixture.Heap.UsableSize((void*)(block + offset)));
        Assert.Equal(1, fixture.LiveBlocks);
    }

    [Fact]
    public void A_block_freed_after_its_slab_is_gone_is_found_at_once()
    {
        using var fixture = new HeapFixture();
        foreach (nuint bytes in (nuint[])[100, 40_000, 1 << 20])
        {
            nint block = (nint)fixture.Heap.Alloc(bytes);
            fixture.Heap.Free((void*)block);
            fixture.Heap.Trim();
            MemoryFaultException fault = HeapFixture.AssertFault(MemoryFaultKind.DoubleFree, () => fixture.Heap.Free((void*)block));
            Assert.Contains("freed before", fault.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Foreign_memory_is_found_at_once()
    {
        using var fixture = new HeapFixture();
        long onStack = 0;
        void* native = NativeMemory.AlignedAlloc(64, 64);
        foreach (nint foreign in (nint[])[(nint)(&onStack), (nint)native, 16, -16, 1])
        {
            MemoryFaultException fault = HeapFixture.AssertFault(MemoryFaultKind.ForeignPointer, () => fixture.Heap.Free((void*)foreign));
            Assert.Equal((nuint)foreign, fault.Address);
            HeapFixture.AssertFault(MemoryFaultKind.ForeignPointer, () => fixture.Heap.UsableSize((void*)foreign));
            Assert.False(fixture.Heap.Owns((void*)foreign));
        }

        NativeMemory.AlignedFree(native);
    }

    [Theory]
    [InlineData(64)]
    [InlineData(100_000)]
    [InlineData(5 << 20)]
    public void A_block_of_another_heap_is_found_at_once_and_its_heap_is_named(int bytes)
    {
        using var fixture = new HeapFixture();
        using NativeHeap other = fixture.Runtime.CreateHeap("orders");
        nint block = (nint)other.Alloc((nuint)bytes);
        fixture.Heap.Free(fixture.Heap.Alloc((nuint)bytes));
        MemoryFaultException fault = HeapFixture.AssertFault(MemoryFaultKind.WrongHeap, () => fixture.Heap.Free((void*)block));
        Assert.Contains("'orders'", fault.Message, StringComparison.Ordinal);
        Assert.Contains("'runtime'", fault.Message, StringComparison.Ordinal);
        Assert.False(fixture.Heap.Owns((void*)block));
        Assert.True(other.Owns((void*)block));
        other.Free((void*)block);
    }

    [Fact]
    public void Mistakes_with_large_blocks_are_found_at_once()
    {
        using var fixture = new HeapFixture();
        nint block = (nint)fixture.Heap.Alloc(5 << 20);
        foreach (nint offset in (nint[])[1, 16, 4096, (5 << 20) - 1])
        {
            MemoryFaultException fault = HeapFixture.AssertFault(MemoryFaultKind.NotBlockStart, () => fixture.Heap.Free((void*)(block + offset)));
            Assert.Contains($"{offset} bytes inside", fault.Message, StringComparison.Ordinal);
        }

        fixture.Heap.Free((void*)block);
        MemoryFaultException twice = HeapFixture.AssertFault(MemoryFaultKind.ForeignPointer, () => fixture.Heap.Free((void*)block));
        Assert.Contains("freed before", twice.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_wrong_pointer_in_a_bulk_stops_there()
    {
        using var fixture = new HeapFixture();
        nint[] blocks = new nint[3];
        fixture.Heap.AllocBulk(64, blocks);
        nint[] wrong = [blocks[0], blocks[1] + 1, blocks[2]];
        HeapFixture.AssertFault(MemoryFaultKind.NotBlockStart, () => fixture.Heap.FreeBulk(wrong));
        Assert.Equal(2, fixture.LiveBlocks);
        Assert.True(fixture.Heap.Owns((void*)blocks[1]));
        Assert.True(fixture.Heap.Owns((void*)blocks[2]));
    }

    /// <summary>Frees half of many blocks, so that the depot keeps no more batches and looks at every block that comes.</summary>
    private static nint[] FullStock(HeapFixture fixture, out int next)
    {
        nint[] blocks = new nint[Many];
        fixture.Heap.AllocBulk(64, blocks);
        next = Many / 2;
        fixture.Heap.FreeBulk(blocks.AsSpan(0, next));
        return blocks;
    }

    private static MemoryFaultException AssertOneFault(HeapFixture fixture, Span<nint> blocks, MemoryFaultKind kind)
    {
        MemoryFaultException? found = null;
        foreach (nint block in blocks)
        {
            try
            {
                fixture.Heap.Free((void*)block);
            }
            catch (MemoryFaultException fault)
            {
                Assert.Null(found);
                found = fault;
            }
        }

        Assert.NotNull(found);
        Assert.Equal(kind, found.Kind);
        return found;
    }
}
