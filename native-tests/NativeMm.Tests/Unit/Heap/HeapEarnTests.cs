using NativeMm.Heap;
using Xunit;

namespace NativeMm.Tests.Unit.Heap;

/// <summary>What a thread may keep goes to the sizes that it uses, however many those are, and whatever it used before.</summary>
public sealed unsafe class HeapEarnTests
{
    [Fact]
    public void Sizes_that_are_used_earn_what_others_earned_that_rest()
    {
        const ulong Most = 8 << 20;
        using var fixture = new HeapFixture(threadCacheBytesMax: Most);
        for (nuint bytes = 1 << 20; bytes <= 2 << 20; bytes += 128 << 10)
        {
            Bursts(fixture, bytes, count: 16, rounds: 6);
        }

        // Of all that may be earned too little is left, and this takes most of it.
        const nuint Used = 400 << 10;
        const int Count = 16;
        Assert.InRange(fixture.Heap.GetStatistics().CachedBytes, Most - (Count * Used) + 1, Most);
        Bursts(fixture, Used, Count, rounds: 300);

        long before = Locks(fixture);
        Bursts(fixture, Used, Count, rounds: 100);
        Assert.Equal(before, Locks(fixture));
        Assert.InRange(fixture.Heap.GetStatistics().CachedBytes, Count * Used, Most + (1 << 20));
    }

    [Fact]
    public void Sizes_that_share_all_there_is_to_earn_do_not_lose_blocks()
    {
        using var fixture = new HeapFixture();
        for (int round = 0; round < 40; round++)
        {
            for (nuint bytes = 512 << 10; bytes <= 2 << 20; bytes += 128 << 10)
            {
                Bursts(fixture, bytes, count: 12, rounds: 1);
            }
        }

        Assert.Equal(0, fixture.LiveBlocks);
        Assert.InRange(fixture.Heap.GetStatistics().CachedBytes, 0ul, 72ul << 20);
    }

    /// <summary>A program that frees many sizes and then allocates them hears of all others before it comes back to one.</summary>
    [Fact]
    public void Bursts_of_many_sizes_in_turn_earn_places()
    {
        using var fixture = new HeapFixture();
        nuint[] sizes = [.. Enumerable.Range(0, 300).Select(i => (nuint)(9000 + (i * 7919 % 23_000)))];
        Rounds(fixture, sizes, 20);

        const int Counted = 10;
        long before = Locks(fixture);
        Rounds(fixture, sizes, Counted);

        // Without places each allocation and each free is a visit.
        Assert.InRange(Locks(fixture) - before, 0, Counted * sizes.Length / 2);
    }

    /// <summary>The longer memory is for what a program comes back to, and bounded: a burst of one size does not stay with the thread.</summary>
    [Fact]
    public void What_is_earned_by_the_longer_memory_is_little()
    {
        using var fixture = new HeapFixture();
        for (int round = 0; round < 30; round++)
        {
            for (nuint bytes = 4096; bytes <= 32 << 10; bytes += 4096)
            {
                Bursts(fixture, bytes, count: 64, rounds: 1);
            }
        }

        Assert.All(
            fixture.Heap.GetStatistics().Classes,
            row => Assert.InRange((ulong)row.CachedBlocks * row.BlockBytes, 0ul, Allowance.BytesRemembered + (64 << 10)));
    }

    private static void Rounds(HeapFixture fixture, nuint[] sizes, int rounds)
    {
        var blocks = new nint[sizes.Length];
        for (int round = 0; round < rounds; round++)
        {
            for (int i = 0; i < sizes.Length; i++)
            {
                blocks[i] = (nint)fixture.Heap.Alloc(sizes[i]);
            }

            fixture.Heap.FreeBulk(blocks);
        }
    }

    private static void Bursts(HeapFixture fixture, nuint bytes, int count, int rounds)
    {
        var blocks = new nint[count];
        for (int round = 0; round < rounds; round++)
        {
            fixture.Heap.AllocBulk(bytes, blocks);
            fixture.Heap.FreeBulk(blocks);
        }
    }

    private static long Locks(HeapFixture fixture) => fixture.Heap.GetStatistics().Classes.Sum(row => row.LockAcquisitions);
}
