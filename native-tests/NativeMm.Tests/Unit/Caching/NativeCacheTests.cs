using System.Buffers;
using NativeMm.Caching;
using NativeMm.Runtime;
using NativeMm.Tests.Support.Caching;
using NativeMm.Tests.Support;
using Xunit;

namespace NativeMm.Tests.Unit.Caching;

public sealed class NativeCacheTests : IDisposable
{
    private readonly TestClock _clock = new();
    private readonly MemoryRuntime _runtime = new(new MemoryRuntimeOptions { CapacityBytes = 256 << 20, BackgroundTrim = false });
    private readonly NativeCache _cache;

    public NativeCacheTests() => _cache = new NativeCache(_runtime, new NativeCacheOptions { SizeLimit = 16 << 20, TimeProvider = _clock });

    public void Dispose()
    {
        _cache.Validate();
        _cache.Dispose();
        _runtime.Dispose();
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(0, 1)]
    [InlineData(15, 100)]
    [InlineData(7, 4096)]
    [InlineData(300, 65_536)]
    [InlineData(65_536, 0)]
    [InlineData(65_536, 65_536)]
    [InlineData(15, 3_000_000)]
    public void What_is_set_is_found(int keyLength, int valueLength)
    {
        byte[] key = Bytes(keyLength, 1);
        byte[] value = Bytes(valueLength, 2);
        Assert.True(_cache.Set(key, value));
        Assert.True(_cache.Contains(key));
        Assert.Equal(value, Get(key));
        var writer = new ArrayBufferWriter<byte>();
        Assert.True(_cache.TryGet(key, writer));
        Assert.True(writer.WrittenSpan.SequenceEqual(value));
        Assert.True(_cache.TryGet(key, out CacheLease lease));
        Assert.True(lease.Span.SequenceEqual(value));
        Assert.Equal(value, lease.AsSequence().ToArray());
        byte[] copy = new byte[lease.Length];
        lease.CopyTo(copy);
        Assert.Equal(value, copy);
        lease.Dispose();
        lease.Dispose();
        Assert.Equal(1, _cache.Count);
        Assert.True(_cache.Remove(key));
        Assert.False(_cache.Remove(key));
        Assert.Null(Get(key));
        Assert.Equal(0, _cache.Count);
    }

    [Fact]
    public void A_value_in_pieces_is_set()
    {
        byte[] value = Bytes(100_000, 3);
        Assert.True(_cache.Set("k"u8, Sequences.Of(value.AsMemory(0, 33_333), value.AsMemory(33_333))));
        Assert.Equal(value, Get("k"u8));
    }

    [Fact]
    public void Too_short_a_destination_says_what_is_needed()
    {
        Assert.True(_cache.Set("k"u8, Bytes(10, 1)));
        byte[] destination = new byte[9];
        Assert.False(_cache.TryGet("k"u8, destination, out int length));
        Assert.Equal(10, length);
        Assert.False(_cache.TryGet("absent"u8, destination, out length));
        Assert.Equal(0, length);
    }

    [Fact]
    public void A_miss_does_not_touch_the_writer()
    {
        var writer = new ArrayBufferWriter<byte>();
        Assert.False(_cache.TryGet("k"u8, writer));
        Assert.Equal(0, writer.Capacity);
    }

    [Fact]
    public void Another_value_takes_the_place_of_the_first()
    {
        Assert.True(_cache.Set("k"u8, Bytes(10, 1)));
        Assert.True(_cache.Set("k"u8, Bytes(20, 2)));
        Assert.Equal(Bytes(20, 2), Get("k"u8));
        Assert.Equal(1, _cache.Count);
    }

    [Fact]
    public void Absolute_expiration_is_exact()
    {
        Assert.True(_cache.Set("a"u8, [1], new CacheEntryOptions { AbsoluteExpirationRelativeToNow = TimeSpan.FromMilliseconds(10) }));
        Assert.True(_cache.Set("b"u8, [1], new CacheEntryOptions { AbsoluteExpiration = _clock.Now.AddMilliseconds(11) }));
        _clock.Advance(9);
        Assert.NotNull(Get("a"u8));
        _clock.Advance(1);
        Assert.Null(Get("a"u8));
        Assert.NotNull(Get("b"u8));
        _clock.Advance(1);
        Assert.Null(Get("b"u8));
        Assert.False(_cache.Set("b"u8, [1], new CacheEntryOptions { AbsoluteExpiration = _clock.Now }));
        Assert.Null(Get("b"u8));
    }

    [Fact]
    public void Sliding_expiration_is_renewed_by_use_until_the_absolute_one()
    {
        var options = new CacheEntryOptions
        {
            SlidingExpiration = TimeSpan.FromMilliseconds(10),
            AbsoluteExpirationRelativeToNow = TimeSpan.FromMilliseconds(25),
        };
        Assert.True(_cache.Set("k"u8, [1], options));
        _clock.Advance(9);
        Assert.NotNull(Get("k"u8));
        _clock.Advance(9);
        Assert.True(_cache.Refresh("k"u8));
        _clock.Advance(6);
        Assert.True(_cache.Contains("k"u8));
        _clock.Advance(1);
        Assert.Null(Get("k"u8));
        Assert.True(_cache.Set("k"u8, [1], options));
        _clock.Advance(9);
        Assert.True(_cache.Contains("k"u8));
        _clock.Advance(1);
        Assert.False(_cache.Contains("k"u8));
    }

    [Fact]
    public void The_default_expiration_is_for_entries_without_a_time()
    {
        using var cache = new NativeCache(_runtime, new NativeCacheOptions { DefaultExpiration = TimeSpan.FromMilliseconds(10), TimeProvider = _clock });
        Assert.True(cache.Set("a"u8, [1]));
        Assert.True(cache.Set("b"u8, [1], new CacheEntryOptions { SlidingExpiration = TimeSpan.FromMilliseconds(20) }));
        _clock.Advance(10);
        Assert.False(cache.Contains("a"u8));
        Assert.True(cache.Contains("b"u8));
    }

    [Fact]
    public void Options_out_of_their_range_are_named()
    {
        Assert.Equal("SlidingExpiration", Assert.Throws<ArgumentOutOfRangeException>(
            () => _cache.Set("k"u8, [1], new CacheEntryOptions { SlidingExpiration = TimeSpan.Zero })).ParamName);
        Assert.Equal("AbsoluteExpirationRelativeToNow", Assert.Throws<ArgumentOutOfRangeException>(
            () => _cache.Set("k"u8, [1], new CacheEntryOptions { AbsoluteExpirationRelativeToNow = TimeSpan.FromTicks(-1) })).ParamName);
        Assert.Equal("SizeLimit", Assert.Throws<ArgumentOutOfRangeException>(
            () => { new NativeCache(_runtime, new NativeCacheOptions { SizeLimit = 1 }).Dispose(); }).ParamName);
        ArgumentOutOfRangeException tooLong = Assert.Throws<ArgumentOutOfRangeException>(() => _cache.Set(new byte[65_537], [1]));
        Assert.Equal(("key", 65_537), (tooLong.ParamName, tooLong.ActualValue));
        Assert.Contains("0 to 65536 bytes", tooLong.Message, StringComparison.Ordinal);
        Assert.False(_cache.Contains(new byte[65_537]));
    }

    [Fact]
    public void After_the_end_everything_says_so()
    {
        _cache.Set("k"u8, [1]);
        using var other = new NativeCache(_runtime);
        other.Dispose();
        Assert.Throws<ObjectDisposedException>(() => other.Set("k"u8, [1]));
        Assert.Throws<ObjectDisposedException>(() => other.TryGet("k"u8, new ArrayBufferWriter<byte>()));
        Assert.Throws<ObjectDisposedException>(() => other.Count);
        Assert.Throws<ObjectDisposedException>(() => other.GetStatistics());
    }

    [Fact]
    public void Whoever_listens_is_told_why_an_entry_left()
    {
        var told = new List<(string Key, long Length, CacheEvictionReason Reason)>();
        using var cache = new NativeCache(_runtime, new NativeCacheOptions
        {
            TimeProvider = _clock,
            Evicted = (in CacheEviction left) =>
            {
                told.Add((System.Text.Encoding.UTF8.GetString(left.Key), left.ValueLength, left.Reason));
                throw new InvalidOperationException("harms nobody");
            },
        });
        cache.Set("replaced"u8, Bytes(5, 1));
        cache.Set("replaced"u8, Bytes(6, 1), new CacheEntryOptions { AbsoluteExpirationRelativeToNow = TimeSpan.FromSeconds(1) });
        cache.Set("removed"u8, Bytes(7, 1));
        cache.Remove("removed"u8);
        _clock.Advance(1000);
        cache.Trim();
        Assert.Equal(
            [("replaced", 5, CacheEvictionReason.Replaced), ("removed", 7, CacheEvictionReason.Removed), ("replaced", 6, CacheEvictionReason.Expired)], told);
    }

    [Fact]
    public void The_limit_holds_and_something_leaves()
    {
        byte[] value = Bytes(10_000, 4);
        for (int i = 0; i < 5_000; i++)
        {
            Assert.True(_cache.Set(BitConverter.GetBytes(i), value));
        }

        CacheStatistics now = _cache.GetStatistics();
        Assert.InRange(now.UsedBytes, 1, now.SizeLimit);
        Assert.InRange(now.Count, 1_000, 1_677);
        Assert.Equal(5_000 - now.Count, now.Evictions);
        Assert.Equal(value, Get(BitConverter.GetBytes(4_999)));
    }

    [Fact]
    public void What_is_too_large_is_refused_and_the_old_value_gone()
    {
        Assert.True(_cache.Set("k"u8, [1]));
        Assert.False(_cache.Set("k"u8, new byte[(16 << 20) + 1]));
        Assert.Null(Get("k"u8));
        Assert.Equal(1, _cache.GetStatistics().Refusals);
    }

    private static byte[] Bytes(int length, int seed)
    {
        byte[] bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    private byte[]? Get(ReadOnlySpan<byte> key)
    {
        byte[] destination = [];
        while (!_cache.TryGet(key, destination, out int length))
        {
            if (length == 0)
            {
                return null;
            }

            destination = new byte[length];
        }

        return destination;
    }
}
