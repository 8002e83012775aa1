using NativeMm.Caching;
using NativeMm.Runtime;
using NativeMm.Tests.Support.Caching;
using Xunit;

namespace NativeMm.Tests.Unit.Caching;

/// <summary>What a cache that lost most of its entries gives back: by a trim, and by passes.</summary>
public sealed class NativeCacheTrimTests : IDisposable
{
    private const int Many = 200_000;
    private const int Few = 500;
    private readonly TestClock _clock = new();
    private readonly MemoryRuntime _runtime = new(new MemoryRuntimeOptions { CapacityBytes = 512 << 20, BackgroundTrim = false });

    public void Dispose() => _runtime.Dispose();

    [Fact]
    public void An_index_shrinks_with_what_is_in_it_when_it_is_trimmed()
    {
        using NativeCache cache = Make(limit: 64 << 20);
        Fill(cache, Many, _ => 50);
        long before = cache.GetStatistics().IndexBytes;
        Drop(cache, Many, key => key < Few);
        cache.Trim();
        cache.Validate();
        Assert.InRange(cache.GetStatistics().IndexBytes, 1, before / 50);
        AssertThere(cache, Few, _ => 50);

        Fill(cache, Many, _ => 50);
        cache.Validate();
        Assert.Equal(Many, cache.Count);
        Assert.InRange(cache.GetStatistics().IndexBytes, before / 2, before * 2);
    }

    [Fact]
    public void Passes_give_the_index_and_the_segments_of_what_left_back()
    {
        using NativeCache cache = Make(limit: 64 << 20);
        Fill(cache, Many, _ => 200);
        Drop(cache, Many, key => key % 10 == 0);
        for (int pass = 0; pass < 30; pass++)
        {
            _runtime.TrimIdle();
        }

        cache.Validate();
        CacheStatistics now = cache.GetStatistics();
        AssertThere(cache, Many, _ => 200, key => key % 10 == 0);
        Assert.Equal(0, now.Evictions);

        // A sixteenth of it may be free, and a segment and a quarter in each shard; an entry has a head of 8 bytes and its part of the index.
        long live = (Many / 10) * (204L + 8 + 24);
        Assert.InRange(now.UsedBytes, live / 36 * 35, (live / 15 * 16) + (Shards(64 << 20) * 2L * (256 << 10)));
    }

    [Fact]
    public void One_pass_is_not_enough_to_call_an_index_too_large()
    {
        using NativeCache cache = Make(limit: 16 << 20);
        Fill(cache, Many / 4, _ => 50);
        long before = cache.GetStatistics().IndexBytes;
        cache.Clear();
        _runtime.TrimIdle();
        Assert.Equal(before, cache.GetStatistics().IndexBytes);
        for (int pass = 0; pass < 4; pass++)
        {
            _runtime.TrimIdle();
        }

        Assert.InRange(cache.GetStatistics().IndexBytes, 1, before / 20);
    }

    [Fact]
    public void Passes_that_move_records_of_any_length_evict_none()
    {
        using NativeCache cache = Make(limit: 64 << 20);
        static int Length(int key) => (key * 7919) % 50_000;
        Fill(cache, 1500, Length);
        Drop(cache, 1500, key => key % 3 == 0);
        for (int pass = 0; pass < 30; pass++)
        {
            _runtime.TrimIdle();
            cache.Validate();
        }

        cache.Trim();
        AssertThere(cache, 1500, Length, key => key % 3 == 0);
        Assert.Equal(0, cache.GetStatistics().Evictions);
    }

    [Fact]
    public void When_all_that_is_there_has_expired_one_pass_finds_it()
    {
        using NativeCache cache = Make(limit: 64 << 20);
        Fill(cache, Many, _ => 50, new CacheEntryOptions { AbsoluteExpirationRelativeToNow = TimeSpan.FromSeconds(60) });
        _clock.Advance(59_999);
        _runtime.TrimIdle();
        Assert.Equal(Many, cache.Count);
        _clock.Advance(1);
        _runtime.TrimIdle();
        Assert.Equal(0, cache.Count);
        Assert.Equal(Many, cache.GetStatistics().Expirations);
        for (int pass = 0; pass < 4; pass++)
        {
            _runtime.TrimIdle();
        }

        cache.Validate();
        Assert.InRange(cache.GetStatistics().UsedBytes, 1, Shards(64 << 20) * 2L * (256 << 10));
    }

    private static int Shards(long limit) =>
        (int)long.Min(limit >> 23, 4 * System.Numerics.BitOperations.RoundUpToPowerOf2((uint)Environment.ProcessorCount));

    private static void Fill(NativeCache cache, int count, Func<int, int> length, CacheEntryOptions options = default)
    {
        for (int key = 0; key < count; key++)
        {
            byte[] value = new byte[length(key)];
            value.AsSpan().Fill((byte)key);
            Assert.True(cache.Set(BitConverter.GetBytes(key), value, options));
        }
    }

    private static void Drop(NativeCache cache, int count, Func<int, bool> isKept)
    {
        for (int key = 0; key < count; key++)
        {
            Assert.True(isKept(key) || cache.Remove(BitConverter.GetBytes(key)));
        }
    }

    private static void AssertThere(NativeCache cache, int count, Func<int, int> length, Func<int, bool>? isKept = null)
    {
        byte[] read = new byte[1 << 16];
        for (int key = 0; key < count; key++)
        {
            if (isKept?.Invoke(key) != false)
            {
                Assert.True(cache.TryGet(BitConverter.GetBytes(key), read, out int bytes), $"Entry {key} is gone.");
                Assert.Equal(length(key), bytes);
                Assert.Equal(-1, read.AsSpan(0, bytes).IndexOfAnyExcept((byte)key));
            }
        }
    }

    private NativeCache Make(long limit) => new(_runtime, new NativeCacheOptions { SizeLimit = limit, TimeProvider = _clock });
}
