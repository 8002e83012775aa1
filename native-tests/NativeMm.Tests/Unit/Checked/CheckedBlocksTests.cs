using NativeMm.Diagnostics;
using NativeMm.Heap.Checked;
using Xunit;

namespace NativeMm.Tests.Unit.Checked;

/// <summary>What a caller without mistakes sees.</summary>
public sealed unsafe class CheckedBlocksTests
{
    private readonly RawNativeHeap _raw = new();

    [Theory]
    [InlineData(0, 1)]
    [InlineData(1, 16)]
    [InlineData(100, 64)]
    [InlineData(5000, 4096)]
    [InlineData(3_000_000, 16)]
    public void A_block_has_its_alignment_and_exactly_its_size_and_holds_junk(int bytes, int alignment)
    {
        using var heap = new CheckedBlocks(_raw, new CheckedOptions());
        byte* block = (byte*)heap.Alloc((nuint)bytes, (nuint)alignment, zeroed: false);
        Assert.Equal(0u, (nuint)block % (nuint)Math.Max(alignment, 16));
        Assert.Equal((nuint)bytes, heap.UsableSize(block));
        Assert.True(heap.Owns(block));
        Assert.False(heap.Owns(block + 1));
        Assert.Equal(-1, new Span<byte>(block, Math.Min(bytes, 1 << 20)).IndexOfAnyExcept(BlockPaint.Junk));
        new Span<byte>(block, bytes).Fill(7);
        heap.Validate();
        heap.Free(block);
        Assert.False(heap.Owns(block));
    }

    [Fact]
    public void Zeroed_memory_reads_as_zero()
    {
        using var heap = new CheckedBlocks(_raw, new CheckedOptions());
        byte* block = (byte*)heap.Alloc(1000, 16, zeroed: true);
        Assert.Equal(-1, new Span<byte>(block, 1000).IndexOfAnyExcept((byte)0));
        heap.Free(block);
    }

    [Fact]
    public void A_freed_block_is_poisoned_and_kept_until_the_budget_is_spent()
    {
        using var heap = new CheckedBlocks(_raw, new CheckedOptions { QuarantineBytesMax = 10_000 });
        byte* block = (byte*)heap.Alloc(1000, 16, zeroed: false);
        heap.Free(block);
        Assert.Equal(-1, new Span<byte>(block, 1000).IndexOfAnyExcept(BlockPaint.Poison));
        Assert.Equal(1, heap.Statistics.QuarantinedBlocks);
        for (int i = 0; i < 100; i++)
        {
            heap.Free(heap.Alloc(1000, 16, zeroed: false));
            Assert.InRange(heap.Statistics.QuarantinedBytes, 1000ul, 10_000ul);
            Assert.Equal(heap.Statistics.QuarantinedBlocks, _raw.Outstanding);
        }
    }

    [Fact]
    public void Realloc_moves_keeps_content_and_alignment_and_null_allocates()
    {
        using var heap = new CheckedBlocks(_raw, new CheckedOptions());
        byte* block = (byte*)heap.Realloc(null, 10);
        heap.Free(block);
        block = (byte*)heap.Alloc(10, 256, zeroed: false);
        new Span<byte>(block, 10).Fill(9);
        byte* moved = (byte*)heap.Realloc(block, 20);
        Assert.False(moved == block);
        Assert.Equal(0u, (nuint)moved % 256);
        Assert.Equal(-1, new Span<byte>(moved, 10).IndexOfAnyExcept((byte)9));
        Assert.Equal(20u, heap.UsableSize(moved));
        byte* shrunk = (byte*)heap.Realloc(moved, 5);
        Assert.Equal(-1, new Span<byte>(shrunk, 5).IndexOfAnyExcept((byte)9));
        heap.Free(shrunk);
    }

    [Fact]
    public void Out_of_memory_is_null_and_leaves_a_realloc_as_it_was()
    {
        using var heap = new CheckedBlocks(_raw, new CheckedOptions());
        void* block = heap.Alloc(10, 16, zeroed: false);
        _raw.FailNext(2);
        Assert.True(heap.Alloc(10, 16, zeroed: false) is null);
        Assert.True(heap.Realloc(block, 20) is null);
        Assert.True(heap.Owns(block));
        heap.Free(block);
        Assert.True(heap.Alloc(nuint.MaxValue - 10, 16, zeroed: false) is null);
        Assert.True(heap.Alloc(nuint.MaxValue, 4096, zeroed: false) is null);
    }

    [Fact]
    public void The_quarantine_is_given_back_before_memory_runs_out()
    {
        using var heap = new CheckedBlocks(_raw, new CheckedOptions());
        heap.Free(heap.Alloc(100, 16, zeroed: false));
        _raw.FailNext(1);
        void* block = heap.Alloc(10, 16, zeroed: false);
        Assert.False(block is null);
        Assert.Equal(0, heap.Statistics.QuarantinedBlocks);
        heap.Free(block);
    }

    [Fact]
    public void A_block_that_is_freed_while_it_is_reallocated_is_reported_and_nothing_is_lost()
    {
        var raw = new InterruptedHeap();
        using var heap = new CheckedBlocks(raw, new CheckedOptions());
        void* block = heap.Alloc(10, 16, zeroed: false);
        nint address = (nint)block;
        raw.BeforeNextAlloc = () => heap.Free((void*)address);
        MemoryFaultException fault = Assert.Throws<MemoryFaultException>(() => heap.Realloc((void*)address, 20));
        Assert.Equal(MemoryFaultKind.DoubleFree, fault.Kind);
        Assert.Equal(0, heap.Statistics.LiveBlocks);
        Assert.Equal(2, heap.Statistics.QuarantinedBlocks);
    }

    [Fact]
    public void Statistics_count_what_is_asked_for()
    {
        using var heap = new CheckedBlocks(_raw, new CheckedOptions { StackSampleInterval = 4 });
        var blocks = new List<nint>();
        for (int i = 0; i < 10; i++)
        {
            blocks.Add((nint)heap.Alloc(100, 16, zeroed: false));
        }

        Assert.Equal(new CheckedStatistics(10, 1000, 0, 0, 10, 3), heap.Statistics);
        blocks.ForEach(block => heap.Free((void*)block));
        Assert.Equal(0, heap.Statistics.LiveBlocks);
        Assert.Equal(0ul, heap.Statistics.LiveBytes);
        Assert.Equal(10, heap.Statistics.QuarantinedBlocks);
    }

    [Fact]
    public void After_dispose_every_call_says_so()
    {
        var heap = new CheckedBlocks(_raw, new CheckedOptions { Leaks = LeakPolicy.Ignore });
        void* block = heap.Alloc(10, 16, zeroed: false);
        heap.Dispose();
        heap.Dispose();
        Assert.Equal(0, _raw.Outstanding);
        Assert.Throws<ObjectDisposedException>(() => heap.Alloc(1, 16, zeroed: false));
        Assert.Throws<ObjectDisposedException>(() => heap.Free(block));
        Assert.Throws<ObjectDisposedException>(() => heap.Realloc(block, 1));
        Assert.Throws<ObjectDisposedException>(() => heap.UsableSize(block));
        Assert.Throws<ObjectDisposedException>(heap.Validate);
        Assert.False(heap.Owns(block));
    }

    [Fact]
    public void Many_former_blocks_are_forgotten_but_not_live_ones()
    {
        using var heap = new CheckedBlocks(_raw, new CheckedOptions { QuarantineBytesMax = 0 });
        void* kept = heap.Alloc(24, 16, zeroed: false);
        for (int i = 0; i < 50_000; i++)
        {
            heap.Free(heap.Alloc((nuint)(i % 977), 16, zeroed: false));
        }

        Assert.True(heap.Owns(kept));
        Assert.Equal(1, heap.Statistics.LiveBlocks);
        Assert.Equal(1, _raw.Outstanding);
        heap.Free(kept);
    }
}
