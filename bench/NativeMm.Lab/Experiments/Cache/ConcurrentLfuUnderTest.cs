using BitFaster.Caching.Lfu;

namespace NativeMm.Lab.Experiments.Cache;

/// <summary>BitFaster's ConcurrentLfu with strings for keys and arrays for values.</summary>
internal readonly struct ConcurrentLfuUnderTest : ICacheUnderTest
{
    private readonly ConcurrentLfu<string, byte[]> _cache;
    private readonly CacheKeys _keys;

    public ConcurrentLfuUnderTest(int items, bool keysBeforehand)
    {
        _cache = new ConcurrentLfu<string, byte[]>(CacheMeasurement.RoomFor(items));
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
