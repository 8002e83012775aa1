using System.Diagnostics.CodeAnalysis;
using System.Diagnostics.Metrics;
using NativeMm.Diagnostics;
using NativeMm.Primitives;

namespace NativeMm.Caching;

/// <summary>
/// The instruments of one cache in the meter "NativeMm", by the names that the framework's own cache has: <c>cache.requests</c>, <c>cache.evictions</c>,
/// <c>cache.entries</c>, <c>cache.estimated_size</c>. They refer to the store weakly, and measure nothing once it has ended.
/// </summary>
internal sealed class CacheMeter : IDisposable, ILoadContextTenant
{
    private readonly Meter _meter;

    public CacheMeter(CacheStore store)
    {
        var self = new WeakReference<CacheStore>(store);
        var name = new KeyValuePair<string, object?>("cache.name", store.Options.Name);
        _meter = new Meter(new MeterOptions(RuntimeMeter.Name)
        {
            Version = typeof(CacheMeter).Assembly.GetName().Version?.ToString(3),
            Tags = [new KeyValuePair<string, object?>("nativemm.runtime", store.Runtime.Heap.Name)],
        });
        _meter.CreateObservableCounter(
            "cache.requests",
            () => Count(self) is { } now
                ? [Request(now.Hits, "hit", name), Request(now.Misses, "miss", name)]
                : Array.Empty<Measurement<long>>(),
            "{request}",
            "Lookups.");
        _meter.CreateObservableCounter(
            "cache.evictions", () => One(self, static now => now.Evictions, name), "{eviction}", "Entries that left to make room.");
        _meter.CreateObservableUpDownCounter("cache.entries", () => One(self, static now => now.Count, name), "{entry}", "Entries.");
        _meter.CreateObservableUpDownCounter(
            "cache.estimated_size", () => One(self, static now => now.UsedBytes, name), "By", "Bytes that the cache has, all of them.");
        LoadContextTenants.Add(this);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        LoadContextTenants.Remove(this);
        Leave();
    }

    /// <inheritdoc/>
    /// <remarks>As with the meter of a runtime: an interrupt stays pending, and what a listener throws goes no further.</remarks>
    public void Leave()
    {
        bool interrupted = false;
        while (!TryLeave())
        {
            interrupted = true;
        }

        if (interrupted)
        {
            Thread.CurrentThread.Interrupt();
        }
    }

    [SuppressMessage("Design", "CA1031:Do not catch general exception types", Justification = "The end of a cache must not fail for a listener.")]
    private bool TryLeave()
    {
        try
        {
            _meter.Dispose();
            return true;
        }
        catch (ThreadInterruptedException)
        {
            return false;
        }
        catch (OutOfMemoryException)
        {
            // Managed memory is full. The callbacks of a cache that is gone measure nothing.
            return true;
        }
        catch (Exception failure)
        {
            NativeMmEventSource.Log.BackgroundPassFailed("end of a cache's meter", FailureText.Of(failure));
            return true;
        }
    }

    private static Measurement<long> Request(long count, string type, KeyValuePair<string, object?> name) =>
        new(count, name, new KeyValuePair<string, object?>("cache.request.type", type));

    private static Measurement<long>[] One(WeakReference<CacheStore> self, Func<CacheStatistics, long> read, KeyValuePair<string, object?> name) =>
        Count(self) is { } now ? [new Measurement<long>(read(now), name)] : [];

    private static CacheStatistics? Count(WeakReference<CacheStore> self)
    {
        try
        {
            return self.TryGetTarget(out CacheStore? store) && !store.IsEnded ? store.GetStatistics() : null;
        }
        catch (ObjectDisposedException)
        {
            // It ended a moment ago.
            return null;
        }
    }
}
