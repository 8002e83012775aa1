using System.Diagnostics.CodeAnalysis;
using NativeMm.Caching;
using NativeMm.Runtime;

namespace NativeMm.Lab.Experiments.Cache;

/// <summary>The library's cache, in a runtime of its own.</summary>
[SuppressMessage("Design", "CA1001:Types that own disposable fields should be disposable", Justification = "It is, by its interface.")]
internal readonly struct NativeCacheUnderTest : ICacheUnderTest
{
    // Nothing leaves: keys, values and as much again for whatever the cache needs beside them.
    private const long LimitPerItem = 3 * (CacheKeys.KeyBytes + CacheKeys.ValueBytes);
    private const long LimitBeside = 64L << 20;

    private readonly MemoryRuntime _runtime;
    private readonly NativeCache _cache;
    private readonly CacheKeys _keys;

    public NativeCacheUnderTest(int items, bool keysBeforehand)
    {
        long limit = (items * LimitPerItem) + LimitBeside;
        _runtime = new MemoryRuntime(new MemoryRuntimeOptions { CapacityBytes = (ulong)(2 * limit) });
        _cache = new NativeCache(_runtime, new NativeCacheOptions { SizeLimit = limit });
        _keys = new CacheKeys(items, asText: false, keysBeforehand);
    }

    /// <inheritdoc/>
    public long Count => _cache.Count;

    /// <inheritdoc/>
    public long? CountedBytes => _cache.GetStatistics().UsedBytes;

    /// <inheritdoc/>
    public bool Get(int item, Span<byte> destination) =>
        _cache.TryGet(_keys.BytesOf(item, stackalloc byte[CacheKeys.KeyBytes]), destination, out _);

    /// <inheritdoc/>
    public void Set(int item, ReadOnlySpan<byte> value)
    {
        if (!_cache.Set(_keys.BytesOf(item, stackalloc byte[CacheKeys.KeyBytes]), value))
        {
            throw new InvalidOperationException($"Item {item} was refused.");
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _cache.Dispose();
        _runtime.Dispose();
    }
}
