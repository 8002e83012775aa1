using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Caching.Memory;

namespace NativeMm.Lab.Experiments.Cache;

/// <summary>The framework's MemoryCache with strings for keys and arrays for values, without a limit.</summary>
[SuppressMessage("Design", "CA1001:Types that own disposable fields should be disposable", Justification = "It is, by its interface.")]
internal readonly struct MemoryCacheUnderTest : ICacheUnderTest
{
    private readonly MemoryCache _cache;
    private readonly CacheKeys _keys;

    public MemoryCacheUnderTest(int items, bool keysBeforehand)
    {
        _cache = new MemoryCache(new MemoryCacheOptions());
        _keys = new CacheKeys(items, asText: true, keysBeforehand);
    }

    /// <inheritdoc/>
    public long Count => _cache.Count;

    /// <inheritdoc/>
    public long? CountedBytes => null;

    /// <inheritdoc/>
    public bool Get(int item, Span<byte> destination)
    {
        if (!_cache.TryGetValue(_keys.TextOf(item), out byte[]? value))
        {
            return false;
        }

        value.CopyTo(destination);
        return true;
    }

    /// <inheritdoc/>
    public void Set(int item, ReadOnlySpan<byte> value) => _cache.Set(_keys.TextOf(item), value.ToArray());

    /// <inheritdoc/>
    public void Dispose() => _cache.Dispose();
}
