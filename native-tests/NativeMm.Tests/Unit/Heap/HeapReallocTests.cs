using NativeMm.Diagnostics;
using NativeMm.Heap;
using Xunit;

namespace NativeMm.Tests.Unit.Heap;

public sealed unsafe class HeapReallocTests
{
    private static readonly int[] s_sizes =
        [1, 15, 16, 17, 100, 128, 1000, 5000, 30_000, 40_000, 200_000, 1 << 20, 2 << 20, (2 << 20) + 1, 5 << 20, 20 << 20];

    public static TheoryData<int> From => [.. s_sizes];

    [Theory]
    [MemberData(nameof(From))]
    public void Content_is_kept_from_any_size_to_any_other(int from)
    {
        using var fixture = new HeapFixture();
        foreach (int to in s_sizes)
        {
            byte* block = (byte*)fixture.Heap.Alloc((nuint)from);
            Fill(block, from);
            block = (byte*)fixture.Heap.Realloc(block, (nuint)to);
            Assert.True(fixture.Heap.UsableSize(block) >= (nuint)to);
            Assert.True(Holds(block, Math.Min(from, to)), $"{from} → {to}");
            Fill(block, to);
            Assert.Equal(1, fixture.LiveBlocks);
            fixture.Heap.Free(block);
        }

        Assert.Equal(0, fixture.LiveBlocks);
    }

    /// <summary>Within one power of two nothing is copied while nobody has what is behind, and what it grew by is the block's.</summary>
    [Fact]
    public void A_run_grows_where_it_lies()
    {
        using var fixture = new HeapFixture();
        byte* block = (byte*)fixture.Heap.Alloc(520 << 10);
        Fill(block, 520 << 10);
        foreach (int to in new[] { 600 << 10, 700 << 10, 1 << 20 })
        {
            Assert.Equal((nint)block, (nint)fixture.Heap.Realloc(block, (nuint)to));
            Assert.True(Holds(block, 520 << 10));
            Assert.InRange(fixture.Heap.UsableSize(block), (nuint)to, (nuint)to + ((nuint)to / 8));
            Assert.Equal(1, fixture.LiveBlocks);
            fixture.Heap.Validate();
        }

        Fill(block, 1 << 20);
        void* other = fixture.Heap.Alloc(520 << 10);
        Assert.True(Holds(block, 1 << 20));
        fixture.Heap.Free(other);
        fixture.Heap.Free(block);
        fixture.Heap.Trim();
        Assert.Equal(0, fixture.LiveBlocks);
        fixture.Heap.Validate();
    }

    [Fact]
    public void A_block_grows_through_every_class()
    {
        using var fixture = new HeapFixture();
        const int Step = 4 << 10;
        byte* block = (byte*)fixture.Heap.Alloc(Step);
        int moves = 0;
        for (int bytes = Step; bytes < 2 << 20; bytes += Step)
        {
            Fill(block, bytes);
            byte* grown = (byte*)fixture.Heap.Realloc(block, (nuint)(bytes + Step));
            Assert.True(Holds(grown, bytes), $"{bytes} bytes grow.");
            Assert.True(fixture.Heap.UsableSize(grown) >= (nuint)(bytes + Step));
            Assert.Equal(1, fixture.LiveBlocks);
            moves += bytes >= 32 << 10 && grown != block ? 1 : 0;
            block = grown;
        }

        Assert.InRange(moves, 1, 7);
        fixture.Heap.Validate();
        fixture.Heap.Free(block);
        fixture.Heap.Validate();
    }

    [Fact]
    public void A_run_moves_when_somebody_has_what_is_behind_it()
    {
        using var fixture = new HeapFixture();
        byte* block = (byte*)fixture.Heap.Alloc(80 << 10);
        var behind = new List<nint>();

        // A thread that the scheduler moves goes on in another core's part of the zone.
        while (!behind.Contains((nint)block + (128 << 10)))
        {
            Assert.InRange(behind.Count, 0, 4000);
            behind.Add((nint)fixture.Heap.Alloc(64 << 10));
        }

        Fill(block, 80 << 10);
        byte* grown = (byte*)fixture.Heap.Realloc(block, 200 << 10);
        Assert.NotEqual((nint)block, (nint)grown);
        Assert.True(Holds(grown, 80 << 10));
        fixture.Heap.Validate();
        fixture.Heap.Free(grown);
        behind.ForEach(address => fixture.Heap.Free((void*)address));
        fixture.Heap.Validate();
    }

    /// <summary>A block of a power of two lies at a multiple of itself, whether it was allocated or became so.</summary>
    [Fact]
    public void A_block_that_is_resized_to_a_power_of_two_is_aligned_to_it()
    {
        using var fixture = new HeapFixture();
        for (int to = 16; to <= 2 << 20; to *= 2)
        {
            byte* block = (byte*)fixture.Heap.Realloc(fixture.Heap.Alloc((nuint)(to * 3)), (nuint)to);
            Assert.True((nuint)block % (nuint)to == 0, $"{to} bytes lie at 0x{(nuint)block:x}.");
            block = (byte*)fixture.Heap.Realloc(fixture.Heap.Alloc((nuint)(to / 2)), (nuint)to);
            Assert.True((nuint)block % (nuint)to == 0, $"{to} bytes lie at 0x{(nuint)block:x}.");
        }
    }

    [Theory]
    [InlineData(64)]
    [InlineData(4096)]
    [InlineData(1 << 20)]
    [InlineData(8 << 20)]
    public void Aligned_blocks_stay_aligned(int alignment)
    {
        using var fixture = new HeapFixture();
        byte* block = (byte*)fixture.Heap.AlignedRealloc(null, 1, (nuint)alignment);
        int bytes = 1;
        foreach (int to in s_sizes.Concat(s_sizes.Reverse()))
        {
            Fill(block, bytes);
            block = (byte*)fixture.Heap.AlignedRealloc(block, (nuint)to, (nuint)alignment);
            Assert.Equal(0u, (nuint)block % (nuint)alignment);
            Assert.True(Holds(block, Math.Min(bytes, to)), $"{bytes} → {to}");
            bytes = to;
        }

        // A block that happens to lie badly is moved.
        byte* plain = (byte*)fixture.Heap.Alloc(48);
        Fill(plain, 48);
        plain = (byte*)fixture.Heap.AlignedRealloc(plain, 48, (nuint)alignment);
        Assert.Equal(0u, (nuint)plain % (nuint)alignment);
        Assert.True(Holds(plain, 48));
        Assert.Equal(2, fixture.LiveBlocks);
    }

    [Fact]
    public void A_block_stays_while_it_fits_and_is_half_used()
    {
        using var fixture = new HeapFixture();
        foreach (nuint bytes in (nuint[])[128, 40_960, 8 << 20])
        {
            void* block = fixture.Heap.Alloc(bytes);
            Assert.Equal((nuint)block, (nuint)fixture.Heap.Realloc(block, bytes / 2));
            Assert.Equal((nuint)block, (nuint)fixture.Heap.Realloc(block, bytes - 1));
            Assert.Equal((nuint)block, (nuint)fixture.Heap.Realloc(block, fixture.Heap.UsableSize(block)));
            void* smaller = fixture.Heap.Realloc(block, (bytes / 2) - 1);
            Assert.True(fixture.Heap.UsableSize(smaller) < bytes);
        }
    }

    [Fact]
    public void Null_allocates_and_zero_gives_the_smallest_block()
    {
        using var fixture = new HeapFixture();
        void* block = fixture.Heap.Realloc(null, 100);
        Assert.True(fixture.Heap.Owns(block));
        block = fixture.Heap.Realloc(block, 0);
        Assert.True(block != null);
        Assert.Equal(1, fixture.LiveBlocks);
        Assert.Equal(16u, fixture.Heap.UsableSize(block));
    }

    [Fact]
    public void Large_blocks_are_remapped_rather_than_copied()
    {
        using var fixture = new HeapFixture();
        byte* block = (byte*)fixture.Heap.Alloc(4 << 20);
        Fill(block, 4 << 20);
        int before = fixture.Platform.Calls(Support.PlatformCall.Resize);
        block = (byte*)fixture.Heap.Realloc(block, (nuint)40 << 20);
        Assert.Equal(before + 1, fixture.Platform.Calls(Support.PlatformCall.Resize));
        Assert.True(Holds(block, 4 << 20));
        Assert.Equal(40ul << 20, fixture.Heap.GetStatistics().LargeBytes);
    }

    [Fact]
    public void When_there_is_no_memory_the_old_block_is_untouched()
    {
        using var fixture = new HeapFixture();
        foreach (int bytes in (int[])[100, 100_000, 4 << 20])
        {
            byte* block = (byte*)fixture.Heap.Alloc((nuint)bytes);
            Fill(block, bytes);
            Assert.Throws<OutOfMemoryException>(() => { fixture.Heap.Realloc(block, nuint.MaxValue / 2); });
            Assert.True(Holds(block, bytes));
            Assert.True(fixture.Heap.Owns(block));
            fixture.Heap.Free(block);
        }
    }

    [Fact]
    public void A_pointer_that_is_no_block_is_refused_and_nothing_is_lost()
    {
        using var fixture = new HeapFixture();
        long foreign = 0;
        byte* large = (byte*)fixture.Heap.Alloc(4 << 20);
        nint address = (nint)(&foreign);
        HeapFixture.AssertFault(MemoryFaultKind.ForeignPointer, () => fixture.Heap.Realloc((void*)address, 100));
        HeapFixture.AssertFault(MemoryFaultKind.ForeignPointer, () => fixture.Heap.AlignedRealloc((void*)(address & ~15), 100, 4096));
        HeapFixture.AssertFault(MemoryFaultKind.NotBlockStart, () => fixture.Heap.Realloc(large + 4096, 100));
        Assert.Equal(1, fixture.LiveBlocks);
    }

    private static void Fill(byte* block, int bytes)
    {
        for (int i = 0; i < bytes; i += Step(bytes))
        {
            block[i] = Stamp(i);
        }

        block[bytes - 1] = Stamp(bytes - 1);
    }

    // Fill leaves gaps in big blocks: every step that lies in both sizes' patterns is looked at.
    private static bool Holds(byte* block, int bytes)
    {
        for (int i = 0; i < bytes; i += 4096)
        {
            if (block[i] != Stamp(i))
            {
                return false;
            }
        }

        return true;
    }

    private static byte Stamp(int offset) => (byte)(((uint)offset * 2_654_435_761u) >> 24);

    private static int Step(int bytes) => bytes <= 8192 ? 1 : 64;
}
