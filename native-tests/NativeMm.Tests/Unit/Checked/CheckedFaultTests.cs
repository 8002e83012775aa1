using NativeMm.Diagnostics;
using NativeMm.Heap.Checked;
using Xunit;

namespace NativeMm.Tests.Unit.Checked;

/// <summary>Each mistake is told apart from all others and named.</summary>
public sealed unsafe class CheckedFaultTests : IDisposable
{
    private readonly RawNativeHeap _raw = new("first");
    private readonly CheckedBlocks _heap;

    public CheckedFaultTests()
    {
        _heap = new CheckedBlocks(_raw, new CheckedOptions { StackSampleInterval = 1, Leaks = LeakPolicy.Ignore });
    }

    public void Dispose()
    {
        _heap.Dispose();
        Assert.Equal(0, _raw.Outstanding);
    }

    [Fact]
    public void A_second_free_is_a_double_free_with_both_stacks()
    {
        byte* block = Alloc(64);
        _heap.Free(block);
        MemoryFaultException fault = Fault(() => _heap.Free(block));
        Assert.Equal(MemoryFaultKind.DoubleFree, fault.Kind);
        Assert.Equal((nuint)block, fault.Address);
        Assert.Contains("of 64 bytes of heap 'first' is free already", fault.Message, StringComparison.Ordinal);
        Assert.Contains("Allocated at:", fault.Message, StringComparison.Ordinal);
        Assert.Contains("Freed at:", fault.Message, StringComparison.Ordinal);
        Assert.Contains(nameof(A_second_free_is_a_double_free_with_both_stacks), fault.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("CheckedBlocks", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_second_free_is_found_even_after_the_block_left_the_quarantine()
    {
        using var heap = new CheckedBlocks(_raw, new CheckedOptions { QuarantineBytesMax = 0 });
        void* block = heap.Alloc(64, 16, false);
        heap.Free(block);
        Assert.Equal(0, heap.Statistics.QuarantinedBlocks);
        Assert.Equal(MemoryFaultKind.DoubleFree, Fault(() => heap.Free(block)).Kind);
    }

    [Fact]
    public void A_stale_pointer_into_memory_that_was_used_again_names_the_new_block()
    {
        using var heap = new CheckedBlocks(new OneBlockHeap(), new CheckedOptions { QuarantineBytesMax = 0, RedZoneBytes = 16 });
        void* stale = heap.Alloc(64, 16, false);
        heap.Free(stale);
        void* reused = heap.Alloc(64, 32, false);
        MemoryFaultException fault = Fault(() => heap.Free(stale));
        Assert.Equal(MemoryFaultKind.DoubleFree, fault.Kind);
        Assert.Contains("Its memory lies 16 bytes before the live block", fault.Message, StringComparison.Ordinal);
        heap.Free(reused);
    }

    [Theory]
    [InlineData(8, "lies 8 bytes inside the live block")]
    [InlineData(64, "lies 0 bytes past the end of the live block")]
    [InlineData(-8, "lies 8 bytes before the live block")]
    public void A_pointer_beside_the_start_is_placed_relative_to_its_block(int offset, string place)
    {
        byte* block = Alloc(64);
        MemoryFaultException fault = Fault(() => _heap.Free(block + offset));
        Assert.Equal(MemoryFaultKind.NotBlockStart, fault.Kind);
        Assert.Contains(place, fault.Message, StringComparison.Ordinal);
        Assert.True(_heap.Owns(block));
        _heap.Free(block);
    }

    [Fact]
    public void A_pointer_into_a_freed_block_is_named_so()
    {
        byte* block = Alloc(64);
        _heap.Free(block);
        MemoryFaultException fault = Fault(() => _heap.Free(block + 8));
        Assert.Equal(MemoryFaultKind.NotBlockStart, fault.Kind);
        Assert.Contains("the already freed block", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Memory_of_nobody_is_foreign()
    {
        long local = 0;
        nuint address = (nuint)(&local);
        MemoryFaultException fault = Fault(() => _heap.Free((void*)address));
        Assert.Equal(MemoryFaultKind.ForeignPointer, fault.Kind);
        Assert.Contains($"0x{address:x}", fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(16)]
    public void A_block_of_another_heap_names_both_heaps(int offset)
    {
        using var other = new CheckedBlocks(new RawNativeHeap("second"), new CheckedOptions());
        byte* block = (byte*)other.Alloc(64, 16, false);
        MemoryFaultException fault = Fault(() => _heap.Free(block + offset));
        Assert.Equal(MemoryFaultKind.WrongHeap, fault.Kind);
        Assert.Contains("heap 'second'", fault.Message, StringComparison.Ordinal);
        Assert.Contains("not of 'first'", fault.Message, StringComparison.Ordinal);
        Assert.True(other.Owns(block));
        other.Free(block);
    }

    [Theory]
    [InlineData(61, 0, "0 bytes past its end")]
    [InlineData(61, 31, "31 bytes past its end")]
    [InlineData(61, -62, "1 bytes before its start")]
    [InlineData(0, 0, "0 bytes past its end")]
    public void A_write_out_of_bounds_is_found_at_free_and_the_block_is_freed(int bytes, int pastEnd, string place)
    {
        byte* block = Alloc((nuint)bytes);
        block[bytes + pastEnd] = 0x41;
        MemoryFaultException fault = Fault(() => _heap.Free(block));
        Assert.Equal(MemoryFaultKind.Overrun, fault.Kind);
        Assert.Equal((nuint)(block + bytes + pastEnd), fault.Address);
        Assert.Contains(place, fault.Message, StringComparison.Ordinal);
        Assert.Contains("holds 0x41 instead of 0xfd", fault.Message, StringComparison.Ordinal);
        Assert.False(_heap.Owns(block));
        _heap.Validate();
    }

    [Fact]
    public void A_write_out_of_bounds_is_found_at_realloc_and_nothing_happens()
    {
        byte* block = Alloc(100);
        block[100] = 1;
        Assert.Equal(MemoryFaultKind.Overrun, Fault(() => _heap.Realloc(block, 200)).Kind);
        Assert.True(_heap.Owns(block));
        block[100] = BlockPaint.RedZone;
        _heap.Free(_heap.Realloc(block, 200));
    }

    [Fact]
    public void A_write_out_of_bounds_is_found_by_validate_again_and_again()
    {
        byte* block = Alloc(100);
        _heap.Validate();
        block[-1] = 1;
        Assert.Equal(MemoryFaultKind.Overrun, Fault(_heap.Validate).Kind);
        Assert.Equal(MemoryFaultKind.Overrun, Fault(_heap.Validate).Kind);
        block[-1] = BlockPaint.RedZone;
        _heap.Validate();
        _heap.Free(block);
    }

    [Fact]
    public void A_late_write_is_found_by_a_later_allocation_once()
    {
        byte* block = Alloc(100);
        _heap.Free(block);
        block[5] = 1;
        Assert.Equal(MemoryFaultKind.UseAfterFree, Fault(_heap.Validate).Kind);
        MemoryFaultException fault = Fault(() => Alloc(8));
        Assert.Equal(MemoryFaultKind.UseAfterFree, fault.Kind);
        Assert.Equal((nuint)(block + 5), fault.Address);
        Assert.Contains("5 bytes inside it", fault.Message, StringComparison.Ordinal);
        _heap.Free(Alloc(8));
    }

    [Fact]
    public void A_late_write_beyond_the_patrolled_page_is_found_when_the_block_leaves()
    {
        using var heap = new CheckedBlocks(_raw, new CheckedOptions { QuarantineBytesMax = 20_000 });
        byte* block = (byte*)heap.Alloc(10_000, 16, false);
        heap.Free(block);
        block[9_000] = 1;
        byte* second = (byte*)heap.Alloc(15_000, 16, false);
        MemoryFaultException fault = Fault(() => heap.Free(second));
        Assert.Equal(MemoryFaultKind.UseAfterFree, fault.Kind);
        Assert.Equal((nuint)(block + 9_000), fault.Address);
        Assert.False(heap.Owns(second));
    }

    [Fact]
    public void Realloc_and_usable_size_of_a_freed_block_are_named()
    {
        byte* block = Alloc(100);
        _heap.Free(block);
        MemoryFaultException moved = Fault(() => _heap.Realloc(block, 10));
        Assert.Equal(MemoryFaultKind.DoubleFree, moved.Kind);
        Assert.StartsWith("Realloc after free", moved.Message, StringComparison.Ordinal);
        MemoryFaultException read = Fault(() => _heap.UsableSize(block));
        Assert.Equal(MemoryFaultKind.UseAfterFree, read.Kind);
        Assert.StartsWith("UsableSize after free", read.Message, StringComparison.Ordinal);
    }

    private byte* Alloc(nuint bytes) => (byte*)_heap.Alloc(bytes, 16, zeroed: false);

    private static MemoryFaultException Fault(Action action) => Assert.Throws<MemoryFaultException>(action);
}
