using BitFaster.Caching.Lru;

namespace NativeMm.Lab.Experiments.Cache;

/// <summary>BitFaster's ConcurrentLru with strings for keys and arrays for values.</summary>
internal readonly struct ConcurrentLruUnderTest : ICacheUnderTest
{
    private readonly ConcurrentLru<string, byte[]> _cache;
    private readonly CacheKeys _keys;

    public ConcurrentLruUnderTest(int items, bool keysBeforehand)
    {
        _cache = new ConcurrentLru<string, byte[]>(Environment.ProcessorCount, CacheMeasurement.RoomFor(items), StringComparer.Ordinal);
        _keys = new CacheKeys(items, asText: true, keysBeforehand);
    }

    /// <inheritdoc/>
    public long Count => _cache.Count;

    /// <inheritdoc/>
    public long? CountedBytes => null;

    /// <inheritdoc/>
    public bool Get(int item, Span<byte> destination)
    {
        if (!_cache.TryGet(_keys.TextOf(item), out byte[]? value))
        {
            return false;
        }

        value.CopyTo(destination);
        return true;
    }

    /// <inheritdoc/>
    public void Set(int item, ReadOnlySpan<byte> value) => _cache.AddOrUpdate(_keys.TextOf(item), value.ToArray());

    /// <inheritdoc/>
    public void Dispose()
    {
    }
}
