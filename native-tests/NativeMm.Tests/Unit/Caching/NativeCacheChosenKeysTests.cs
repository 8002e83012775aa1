using System.Runtime.CompilerServices;
using NativeMm.Caching;
using NativeMm.Runtime;
using Xunit;

namespace NativeMm.Tests.Unit.Caching;

/// <summary>
/// Keys of somebody who knows the cache's secret words: all lead to one shard and to one bucket, of an index of any size. He makes the cache slow; he makes nothing wrong,
/// and the limit holds.
/// </summary>
public sealed class NativeCacheChosenKeysTests : IDisposable
{
    // More than a bucket counts of those that passed it.
    private const int Count = 3 * CacheBucket.PassedMax * CacheBucket.Slots / 2;
    private const int HomeBits = 11;

    private readonly MemoryRuntime _runtime = new(new MemoryRuntimeOptions { CapacityBytes = 64 << 20, BackgroundTrim = false });

    public void Dispose() => _runtime.Dispose();

    [Theory]
    [InlineData(4 << 20, 1000)]
    [InlineData(1 << 20, 500)]
    public void Keys_that_meet_in_one_bucket_find_their_own_values(int limit, int length)
    {
        using var cache = new NativeCache(_runtime, new NativeCacheOptions { SizeLimit = limit });
        long[] keys = Meeting(HashOf(cache));
        byte[] value = new byte[length];
        foreach (long key in keys)
        {
            BitConverter.TryWriteBytes(value, key);
            Assert.True(cache.Set(BitConverter.GetBytes(key), value));
            Assert.True(Finds(cache, key));
        }

        int found = keys.Count(key => Finds(cache, key));
        Assert.Equal(cache.Count, found);
        Assert.InRange(cache.GetStatistics().UsedBytes, 1, limit);
        cache.Validate();

        int removed = keys.Where((_, i) => i % 2 == 0).Count(key => cache.Remove(BitConverter.GetBytes(key)));
        Assert.Equal(found - removed, keys.Count(key => Finds(cache, key)));
        _ = cache.Trim();
        Assert.Equal(found - removed, keys.Count(key => Finds(cache, key)));
        cache.Validate();
        cache.Clear();
        Assert.Equal(0, cache.Count);
        Assert.True(cache.Set("another"u8, value));
        cache.Validate();
    }

    private static bool Finds(NativeCache cache, long key)
    {
        Span<byte> read = stackalloc byte[1 << 10];
        bool found = cache.TryGet(BitConverter.GetBytes(key), read, out _);
        Assert.True(!found || BitConverter.ToInt64(read) == key, $"Key {key} has the value of {BitConverter.ToInt64(read)}.");
        return found;
    }

    private static long[] Meeting(CacheHash hash)
    {
        var keys = new List<long>();
        Span<byte> bytes = stackalloc byte[sizeof(long)];
        for (long key = 0; keys.Count < Count; key++)
        {
            BitConverter.TryWriteBytes(bytes, key);
            if (CacheSlot.HomeOf(CacheSlot.TagOf(hash.Of(bytes)), 1 << HomeBits) == 0)
            {
                keys.Add(key);
            }
        }

        return [.. keys];
    }

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_hash")]
    private static extern ref readonly CacheHash HashOf(NativeCache cache);
}
