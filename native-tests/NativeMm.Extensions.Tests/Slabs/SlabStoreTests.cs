using System.Buffers;
using System.Runtime.InteropServices;
using Microsoft.Extensions.Time.Testing;
using NativeMm.Buffers;
using NativeMm.Extensions.Tests.Support;
using NativeMm.Platform;
using NativeMm.Slabs;
using Xunit;

namespace NativeMm.Extensions.Tests.Slabs;

public sealed class SlabStoreTests
{
    private readonly FakeTimeProvider _time = new();

    [Theory]
    [InlineData(0, 4096)]
    [InlineData(1, 4096)]
    [InlineData(4096, 4096)]
    [InlineData(4097, 8192)]
    [InlineData(400_003, 512 << 10)]
    [InlineData(2 << 20, 2 << 20)]
    [InlineData((2 << 20) + 1, 4 << 20)]
    public void Blocks_are_powers_of_two_that_begin_at_a_page_of_an_array(int asked, int given)
    {
        using SlabStore store = Make();
        using SlabBlock block = store.Rent(asked);
        Assert.Equal(given, block.Memory.Length);
        Assert.True(MemoryMarshal.TryGetArray(block.Memory, out ArraySegment<byte> segment));
        Assert.Equal(given, segment.Count);
        Assert.Equal(0u, Memories.AddressOf(block.Memory) % (nuint)Environment.SystemPageSize);
    }

    [Fact]
    public void Blocks_in_use_do_not_overlap_and_a_returned_one_is_used_again()
    {
        using SlabStore store = Make();
        SlabBlock[] blocks = [.. Enumerable.Range(0, 2000).Select(_ => store.Rent(4096))];
        nuint[] addresses = [.. blocks.Select(block => Memories.AddressOf(block.Memory)).Order()];
        Assert.All(addresses.Zip(addresses.Skip(1)), pair => Assert.True(pair.Second - pair.First >= 4096));
        Array.ForEach(blocks, block => block.Dispose());
        long before = store.GetStatistics().AllocatedBytes;
        SlabBlock[] again = [.. Enumerable.Range(0, 2000).Select(_ => store.Rent(4096))];
        Assert.Equal(before, store.GetStatistics().AllocatedBytes);
        Assert.True(store.IsConsistent());
        Array.ForEach(again, block => block.Dispose());
        Assert.Equal(0, store.GetStatistics().RentedNowBytes);
    }

    [Fact]
    public void Pages_of_idle_blocks_go_back_within_a_fifth_more_than_the_delay_and_those_in_use_stay()
    {
        using SlabStore store = Make();
        SlabBlock[] blocks = [.. Enumerable.Range(0, 4096).Select(_ => store.Rent(4096))];
        Array.ForEach(blocks, block => block.Memory.Span.Fill(7));
        SlabBlock[] kept = [.. blocks.Where((_, i) => i % 100 == 0)];
        Array.ForEach([.. blocks.Except(kept)], block => block.Dispose());
        Assert.Equal(4096 * 4096, store.GetStatistics().PooledBytes + store.GetStatistics().RentedNowBytes);

        _time.Advance(TimeSpan.FromSeconds(4));
        Assert.Equal(0, store.GetStatistics().EvictedBytes);
        _time.Advance(TimeSpan.FromSeconds(2));
        BufferPoolStatistics after = store.GetStatistics();
        Assert.Equal((4096 - kept.Length) * 4096L, after.EvictedBytes);
        Assert.Equal(0, after.PooledBytes);
        Assert.All(kept, block => Assert.Equal(-1, block.Memory.Span.IndexOfAnyExcept((byte)7)));
        Assert.All(blocks.Except(kept), block => Assert.Equal(0, Memories.ResidentPages(block.Memory)));
        Assert.True(store.IsConsistent());

        // What has no memory is handed out again, and reads as zero.
        SlabBlock[] again = [.. Enumerable.Range(0, 3000).Select(_ => store.Rent(4096))];
        Assert.All(again, block => Assert.Equal(-1, block.Memory.Span.IndexOfAnyExcept((byte)0)));
        Array.ForEach([.. again, .. kept], block => block.Dispose());
        Assert.True(store.IsConsistent());
    }

    [Fact]
    public void What_is_used_again_within_the_delay_keeps_its_pages()
    {
        using SlabStore store = Make();
        for (int i = 0; i < 20; i++)
        {
            SlabBlock[] blocks = [.. Enumerable.Range(0, 500).Select(_ => store.Rent(4096))];
            Array.ForEach(blocks, block => block.Dispose());
            _time.Advance(TimeSpan.FromSeconds(3));
        }

        Assert.Equal(0, store.GetStatistics().EvictedBytes);
        Assert.Equal(500 * 4096, store.GetStatistics().AllocatedBytes);
    }

    [Fact]
    public void Slabs_that_nobody_uses_are_left_to_the_collector_and_the_timer_rests()
    {
        using SlabStore store = Make();
        WeakReference array = RentAndReturn(store);
        Assert.True(store.HasWork);
        _time.Advance(TimeSpan.FromSeconds(70));
        Assert.False(store.HasWork);
        Assert.Equal(0, store.GetStatistics().ReservedBytes);
        GC.Collect();
        GC.Collect();
        Assert.False(array.IsAlive);
        int pass = store.PassNumber;
        _time.Advance(TimeSpan.FromMinutes(5));
        Assert.Equal(pass, store.PassNumber);

        // It begins anew with the next rent.
        store.Rent(4096).Dispose();
        _time.Advance(TimeSpan.FromSeconds(7));
        Assert.Equal(0, store.GetStatistics().PooledBytes);
    }

    [Fact]
    public void Trim_gives_everything_idle_back_at_once()
    {
        using SlabStore store = Make();
        SlabBlock[] blocks = [.. Enumerable.Range(0, 100).Select(i => store.Rent(4096 << (i % 6)))];
        Array.ForEach(blocks, block => block.Memory.Span.Fill(1));
        long bytes = blocks.Sum(block => (long)block.Memory.Length);
        Array.ForEach(blocks, block => block.Dispose());
        Assert.Equal(bytes, store.Trim());
        Assert.Equal(0, store.GetStatistics().PooledBytes);
        Assert.Equal(0, store.Trim());
    }

    [Fact]
    public void Blocks_smaller_than_a_page_go_back_with_their_neighbours_only()
    {
        using SlabStore store = Make(new BufferPoolOptions { BlockBytesMin = 512 });
        SlabBlock[] blocks = [.. Enumerable.Range(0, 4096).Select(_ => store.Rent(512))];
        Array.ForEach(blocks, block => block.Memory.Span.Fill(9));
        SlabBlock[] kept = [.. blocks.Where((_, i) => i % 64 == 0)];
        Array.ForEach([.. blocks.Except(kept)], block => block.Dispose());
        store.Trim();
        Assert.All(kept, block => Assert.Equal(-1, block.Memory.Span.IndexOfAnyExcept((byte)9)));
        Assert.True(store.IsConsistent());
        BufferPoolStatistics now = store.GetStatistics();
        Assert.InRange(now.EvictedBytes, 1, (4096 - kept.Length) * 512L);
        Assert.Equal(now.AllocatedBytes - now.EvictedBytes, now.RentedNowBytes + now.PooledBytes);
    }

    [Fact]
    public void System_that_refuses_the_pages_keeps_them_usable()
    {
        var platform = new RefusingDiscards();
        using var store = new SlabStore("test", new BufferPoolOptions(), _time, platform);
        store.Rent(4096).Dispose();
        _time.Advance(TimeSpan.FromSeconds(7));
        Assert.True(store.Refusals > 0);
        Assert.Equal(4096, store.GetStatistics().PooledBytes);
        Assert.True(store.IsConsistent());
        store.Rent(4096).Dispose();
    }

    [Fact]
    public void Range_that_the_system_refuses_does_not_keep_the_others()
    {
        nuint refused = 0;
        using var store = new SlabStore("test", new BufferPoolOptions(), _time, new RefusingDiscards(range => range.Address == refused));
        SlabBlock[] blocks = [.. Enumerable.Range(0, 40).Select(_ => store.Rent(4096)).OrderBy(block => block.Index)];
        refused = Memories.AddressOf(blocks[20].Memory);
        Array.ForEach(blocks, block => block.Memory.Span.Fill(1));

        // Every other one goes, so that each is a range of its own.
        SlabBlock[] returned = [.. blocks.Where(block => block.Index % 2 == blocks[20].Index % 2)];
        Array.ForEach(returned, block => block.Dispose());
        _time.Advance(TimeSpan.FromSeconds(7));
        Assert.Equal(4096, store.GetStatistics().PooledBytes);
        Assert.Equal((returned.Length - 1) * 4096L, store.GetStatistics().EvictedBytes);
        Assert.All(returned, block => Assert.Equal(block == blocks[20] ? 1 : 0, Memories.ResidentPages(block.Memory)));
        Assert.InRange(store.Refusals, 1, long.MaxValue);
        Assert.True(store.IsConsistent());
        Array.ForEach([.. blocks.Except(returned)], block => block.Dispose());
    }

    [Fact]
    public void Pass_without_managed_memory_for_its_list_gives_the_pages_back_one_by_one()
    {
        var platform = new RefusingDiscards(_ => false) { HasNoManagedMemory = true };
        using var store = new SlabStore("test", new BufferPoolOptions(), _time, platform);
        SlabBlock[] blocks = [.. Enumerable.Range(0, 100).Select(i => store.Rent(4096 << (i % 3)))];
        long bytes = blocks.Sum(block => (long)block.Memory.Length);
        Array.ForEach(blocks, block => block.Dispose());
        _time.Advance(TimeSpan.FromSeconds(7));
        Assert.Equal((0, bytes), (store.GetStatistics().PooledBytes, store.GetStatistics().EvictedBytes));
        Assert.Equal(0, store.Passes.Failures.Count);
        Assert.True(store.IsConsistent());
        _time.Advance(TimeSpan.FromSeconds(70));
        Assert.False(store.HasWork);
    }

    [Fact]
    public void System_that_takes_no_pages_back_loses_whole_slabs_instead()
    {
        using var store = new SlabStore("test", new BufferPoolOptions(), _time, new PortablePlatform());
        store.Rent(4096).Dispose();
        SlabBlock kept = store.Rent(8192);
        _time.Advance(TimeSpan.FromSeconds(7));
        BufferPoolStatistics now = store.GetStatistics();
        Assert.Equal(0, now.PooledBytes);
        Assert.Equal(2 << 20, now.ReservedBytes);
        kept.Dispose();
    }

    [Fact]
    public void Second_disposal_of_an_idle_block_does_nothing_and_is_counted()
    {
        using SlabStore store = Make();
        SlabBlock block = store.Rent(1);
        block.Dispose();
        block.Dispose();
        Assert.Equal(1, store.GetStatistics().ExtraReturns);
        using SlabBlock first = store.Rent(1);
        using SlabBlock second = store.Rent(1);
        Assert.NotSame(first, second);
    }

    [Fact]
    public async Task Threads_that_rent_return_and_trim_at_once_never_share_a_block()
    {
        using SlabStore store = Make();
        using var start = new Barrier(5);
        Task[] workers = [.. Enumerable.Range(0, 4).Select(number => Task.Factory.StartNew(
            () =>
            {
                var random = new Random(number);
                var held = new List<SlabBlock>();
                Assert.True(start.SignalAndWait(TimeSpan.FromSeconds(60)));
                for (int step = 0; step < 20_000; step++)
                {
                    if (held.Count < 200 && random.Next(100) < 55)
                    {
                        SlabBlock block = store.Rent(1 << random.Next(10, 18));
                        block.Memory.Span[0] = (byte)(number + 1);
                        block.Memory.Span[^1] = (byte)(number + 1);
                        held.Add(block);
                    }
                    else if (held.Count != 0)
                    {
                        int at = random.Next(held.Count);
                        Assert.Equal(number + 1, held[at].Memory.Span[0]);
                        Assert.Equal(number + 1, held[at].Memory.Span[^1]);
                        held[at].Dispose();
                        held.RemoveAt(at);
                    }
                }

                held.ForEach(block => block.Dispose());
            },
            CancellationToken.None,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default))];
        Assert.True(start.SignalAndWait(TimeSpan.FromSeconds(60)));
        var all = Task.WhenAll(workers);
        while (!all.IsCompleted)
        {
            store.Trim();
            store.RunIdlePass();
        }

        await all.WaitAsync(TimeSpan.FromSeconds(60));
        Assert.True(store.IsConsistent());
        Assert.Equal(0, store.GetStatistics().RentedNowBytes);
        Assert.Equal(0, store.GetStatistics().ExtraReturns);
    }

    private static WeakReference RentAndReturn(SlabStore store)
    {
        using SlabBlock block = store.Rent(4096);
        return new WeakReference(block.Slab!.Array);
    }

    private SlabStore Make(BufferPoolOptions? options = null) => new("test", options ?? new BufferPoolOptions(), _time, SystemPlatform.Current);
}
