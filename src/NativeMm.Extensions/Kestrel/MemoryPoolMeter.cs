using System.Diagnostics.Metrics;
using NativeMm.Buffers;

namespace NativeMm.Extensions;

/// <summary>The instruments of ASP.NET Core's own memory pool, by their names, for pools of this library. Observable: a rent pays nothing for them.</summary>
internal sealed class MemoryPoolMeter : IDisposable
{
    /// <summary>Name of the meter.</summary>
    public const string Name = "Microsoft.AspNetCore.MemoryPool";

    private const string OwnerTag = "aspnetcore.memory_pool.owner";

    private readonly WeakReference<NativeMemoryPoolFactory> _factory;
    private readonly Meter? _own;

    /// <summary>Publishes the instruments.</summary>
    /// <param name="meters">Who makes the meter, and ends it; null for one of one's own.</param>
    /// <param name="factory">Whose pools. The meter does not keep it alive.</param>
    public MemoryPoolMeter(IMeterFactory? meters, NativeMemoryPoolFactory factory)
    {
        _factory = new WeakReference<NativeMemoryPoolFactory>(factory);
        Meter meter = meters?.Create(new MeterOptions(Name)) ?? (_own = new Meter(Name));
        meter.CreateObservableUpDownCounter(
            "aspnetcore.memory_pool.pooled", () => Measure(now => now.PooledBytes), "By", "Number of bytes currently pooled and available for reuse.");
        meter.CreateObservableCounter(
            "aspnetcore.memory_pool.evicted",
            () => Measure(now => now.EvictedBytes),
            "By",
            "Total number of bytes evicted from the memory pool. Eviction occurs when idle pooled memory is reclaimed. Evicted memory is available for "
            + "garbage collection.");
        meter.CreateObservableCounter(
            "aspnetcore.memory_pool.allocated",
            () => Measure(now => now.AllocatedBytes),
            "By",
            "Total number of bytes allocated by the memory pool. Allocation occurs when a memory rental request exceeds the available pooled memory.");
        meter.CreateObservableCounter(
            "aspnetcore.memory_pool.rented", () => Measure(now => now.RentedBytes), "By", "Total number of bytes rented from the memory pool.");
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _factory.SetTarget(null!);
        _own?.Dispose();
    }

    private IEnumerable<Measurement<long>> Measure(Func<BufferPoolStatistics, long> value)
    {
        if (!_factory.TryGetTarget(out NativeMemoryPoolFactory? factory))
        {
            return [];
        }

        return factory.GetStatistics().Select(entry => entry.Key.Length == 0
            ? new Measurement<long>(value(entry.Value))
            : new Measurement<long>(value(entry.Value), new KeyValuePair<string, object?>(OwnerTag, entry.Key)));
    }
}
