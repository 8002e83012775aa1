using System.Diagnostics.CodeAnalysis;
using NativeMm.Heap;
using NativeMm.Runtime;
using Xunit;

namespace NativeMm.Tests.Unit.Heap;

/// <summary>What an allocation promises, over both frame allocators.</summary>
[SuppressMessage("Design", "CA1001", Justification = "Each test makes and disposes its own fixture.")]
public sealed unsafe class HeapAllocTests
{
    private static readonly nuint s_giB = 1 << 30;

    public static TheoryData<FrameAllocatorKind> Kinds => [.. Enum.GetValues<FrameAllocatorKind>()];

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Every_size_gives_a_distinct_usable_block(FrameAllocatorKind kind)
    {
        using var fixture = new HeapFixture(frames: kind);
        var blocks = new List<(nint Block, nuint Bytes)>();
        foreach (nuint bytes in Sizes())
        {
            byte* block = (byte*)fixture.Heap.Alloc(bytes);
            nuint usable = fixture.Heap.UsableSize(block);
            Assert.True(usable >= bytes && usable > 0, $"{bytes} bytes asked for, {usable} usable.");
            Assert.Equal(0u, (nuint)block % 16);
            Assert.True(fixture.Heap.Owns(block));
            (block[0], block[usable - 1]) = ((byte)blocks.Count, (byte)blocks.Count);
            blocks.Add(((nint)block, usable));
        }

        fixture.Runtime.Validate();
        Assert.Equal(blocks.Count, fixture.LiveBlocks);
        for (int i = 0; i < blocks.Count; i++)
        {
            byte* block = (byte*)blocks[i].Block;
            Assert.Equal(((byte)i, (byte)i), (block[0], block[blocks[i].Bytes - 1]));
        }

        AssertDisjoint(blocks);
        foreach ((nint block, _) in blocks)
        {
            fixture.Heap.Free((void*)block);
            Assert.False(fixture.Heap.Owns((void*)block));
        }

        Assert.Equal(0, fixture.LiveBlocks);
        fixture.Runtime.Trim();
        Assert.Equal(0u, fixture.AllocatedFrames);
    }

    [Fact]
    public void Blocks_beyond_four_gibibytes_work_to_their_last_byte()
    {
        using var fixture = new HeapFixture();
        byte* block = (byte*)fixture.Heap.AllocZeroed((5 * s_giB) + 3);
        Assert.True(fixture.Heap.UsableSize(block) >= (5 * s_giB) + 3);
        Assert.Equal(0, block[(5 * s_giB) + 2] | block[0]);
        (block[0], block[(5 * s_giB) + 2]) = (1, 2);
        block = (byte*)fixture.Heap.Realloc(block, 6 * s_giB);
        Assert.Equal((1, 2), (block[0], block[(5 * s_giB) + 2]));
        block[(6 * s_giB) - 1] = 3;
        Assert.Equal(1, fixture.Heap.GetStatistics().LargeBlocks);
        Assert.Equal(6 * s_giB, fixture.Heap.GetStatistics().LargeBytes);
        fixture.Heap.Free(block);
        Assert.Equal(0u, fixture.Heap.GetStatistics().LargeBytes);
        Assert.Equal(0u, fixture.Heap.GetStatistics().LargeRetainedBytes);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Every_alignment_is_kept_for_odd_sizes(FrameAllocatorKind kind)
    {
        using var fixture = new HeapFixture(frames: kind);
        var blocks = new List<(nint Block, nuint Bytes)>();
        for (nuint alignment = 1; alignment <= 16 << 20; alignment *= 2)
        {
            foreach (nuint bytes in (nuint[])[0, 1, 17, 100, 4097, 65535, 700_001, (2 << 20) + 1])
            {
                byte* block = (byte*)fixture.Heap.AlignedAlloc(bytes, alignment);
                Assert.True((nuint)block % alignment == 0, $"{bytes} bytes at {alignment}: 0x{(nuint)block:x}");
                nuint usable = fixture.Heap.UsableSize(block);
                Assert.True(usable >= Math.Max(bytes, 1));
                (block[0], block[usable - 1]) = (1, 2);
                blocks.Add(((nint)block, usable));
            }
        }

        AssertDisjoint(blocks);
        blocks.ForEach(entry => fixture.Heap.AlignedFree((void*)entry.Block));
        Assert.Equal(0, fixture.LiveBlocks);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    [InlineData(48)]
    [InlineData((2 << 20) + 1)]
    public void An_alignment_that_is_no_power_of_two_is_refused(int alignment)
    {
        using var fixture = new HeapFixture();
        ArgumentException refused = Assert.Throws<ArgumentException>(() => { fixture.Heap.AlignedAlloc(8, (nuint)alignment); });
        Assert.Contains($"{alignment}", refused.Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => { fixture.Heap.AlignedRealloc(null, 8, (nuint)alignment); });
    }

    [Fact]
    public void Blocks_are_aligned_to_their_own_power_of_two()
    {
        using var fixture = new HeapFixture();
        for (nuint bytes = 16; bytes <= 2 << 20; bytes *= 2)
        {
            for (int i = 0; i < 5; i++)
            {
                Assert.Equal(0u, (nuint)fixture.Heap.Alloc(bytes) % bytes);
            }
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(64)]
    [InlineData(1000)]
    [InlineData(16 << 10)]
    [InlineData(20_000)]
    [InlineData(32 << 10)]
    [InlineData(40_000)]
    [InlineData(200_000)]
    [InlineData(2 << 20)]
    [InlineData((2 << 20) + 1)]
    [InlineData(8 << 20)]
    public void Zeroed_blocks_are_zero_after_dirty_ones(int size)
    {
        using var fixture = new HeapFixture();
        nuint bytes = (nuint)size;
        for (int round = 0; round < 3; round++)
        {
            nint[] dirty = new nint[4];
            fixture.Heap.AllocBulk(bytes, dirty);
            foreach (nint block in dirty)
            {
                new Span<byte>((void*)block, (int)fixture.Heap.UsableSize((void*)block)).Fill(0xff);
            }

            fixture.Heap.FreeBulk(dirty);
            if (round == 1)
            {
                fixture.Heap.Trim();
            }

            // One more than were dirty, so that fresh ones are among them.
            for (int i = 0; i < 5; i++)
            {
                byte* zeroed = (byte*)fixture.Heap.AllocZeroed(bytes);
                Assert.False(new ReadOnlySpan<byte>(zeroed, size).ContainsAnyExcept((byte)0), $"Round {round}, block {i}.");
                new Span<byte>(zeroed, size).Fill(0xee);
                fixture.Heap.Free(zeroed);
            }
        }
    }

    [Fact]
    public void Typed_blocks_have_room_for_all_elements_and_overflow_is_out_of_memory()
    {
        using var fixture = new HeapFixture();
        NativeHeap heap = fixture.Heap;
        Assert.True(heap.UsableSize(heap.Alloc<long>(100)) >= 800);
        Assert.True(heap.UsableSize(heap.Alloc(33, 100)) >= 3300);
        long* zeroed = heap.AllocZeroed<long>(50_000);
        Assert.False(new ReadOnlySpan<long>(zeroed, 50_000).ContainsAnyExcept(0));
        Assert.True(heap.UsableSize(heap.Alloc<int>(0)) > 0);
        Assert.True(heap.UsableSize(heap.Alloc(5, 0)) > 0);
        Assert.Throws<OutOfMemoryException>(() => { heap.Alloc<long>((nuint.MaxValue / 8) + 1); });
        Assert.Throws<OutOfMemoryException>(() => { heap.Alloc(nuint.MaxValue, nuint.MaxValue); });
        Assert.Throws<OutOfMemoryException>(() => { heap.AllocZeroed(nuint.MaxValue, 2); });
        Assert.Throws<OutOfMemoryException>(() => { heap.AllocZeroed<int>(nuint.MaxValue); });
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(4095)]
    [InlineData(4096)]
    [InlineData(100_000_000_000_000)]
    public void More_than_the_address_space_is_out_of_memory(long belowTheEnd)
    {
        using var fixture = new HeapFixture();
        nuint bytes = nuint.MaxValue - (nuint)belowTheEnd;
        Assert.Throws<OutOfMemoryException>(() => { fixture.Heap.Alloc(bytes); });
        Assert.Throws<OutOfMemoryException>(() => { fixture.Heap.AllocZeroed(bytes); });
        Assert.Throws<OutOfMemoryException>(() => { fixture.Heap.AlignedAlloc(bytes, 1 << 22); });
        Assert.Throws<OutOfMemoryException>(() => { fixture.Heap.AlignedAlloc(1, (nuint)1 << 63); });
        Assert.False(fixture.Heap.TryAlloc(bytes, out void* block));
        Assert.True(block == null);
    }

    [Fact]
    public void Bulk_calls_give_distinct_blocks_and_take_them_back()
    {
        using var fixture = new HeapFixture();
        nint[] blocks = new nint[3000];
        fixture.Heap.AllocBulk(48, blocks);
        Assert.Equal(blocks.Length, blocks.Distinct().Count());
        Assert.Equal(3000, fixture.LiveBlocks);
        (nint kept, blocks[7]) = (blocks[7], 0);
        fixture.Heap.FreeBulk(blocks);
        Assert.Equal(1, fixture.LiveBlocks);
        fixture.Heap.Free((void*)kept);
        fixture.Heap.AllocBulk(48, []);
    }

    [Fact]
    public void A_bulk_of_many_sizes_goes_back_in_one_call()
    {
        using var fixture = new HeapFixture();
        var blocks = new List<nint>();
        for (int round = 0; round < 50; round++)
        {
            blocks.AddRange(new[] { 1, 100, 5000, 40_000, 3 << 20 }.Select(bytes => (nint)fixture.Heap.Alloc((nuint)bytes)));
            blocks.Add(0);
        }

        nint[] large = new nint[3];
        fixture.Heap.AllocBulk(5 << 20, large);
        Assert.Equal(253, fixture.LiveBlocks);
        fixture.Heap.FreeBulk([.. blocks, .. large]);
        Assert.Equal(0, fixture.LiveBlocks);
    }

    [Fact]
    public void Null_is_nobodys_block()
    {
        using var fixture = new HeapFixture();
        fixture.Heap.Free(null);
        fixture.Heap.AlignedFree(null);
        Assert.Equal(0u, fixture.Heap.UsableSize(null));
        Assert.False(fixture.Heap.Owns(null));
    }

    private static IEnumerable<nuint> Sizes()
    {
        yield return 0;
        for (int i = 0; i < SizeClass.Count; i++)
        {
            nuint bytes = new SizeClass(i).BlockBytes;
            yield return bytes - 1;
            yield return bytes;
            yield return bytes + 1;
        }

        yield return 3 << 20;
        yield return (64 << 20) + 5;
    }

    private static void AssertDisjoint(List<(nint Block, nuint Bytes)> blocks)
    {
        nuint end = 0;
        foreach ((nint block, nuint bytes) in blocks.OrderBy(entry => entry.Block))
        {
            Assert.True((nuint)block >= end, $"Block 0x{block:x} begins inside another, which ends at 0x{end:x}.");
            end = (nuint)block + bytes;
        }
    }
}
