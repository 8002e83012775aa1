using System.Diagnostics.Metrics;
using NativeMm.Caching;
using NativeMm.Runtime;
using Xunit;

namespace NativeMm.Tests.Unit.Caching;

public sealed class CacheMeterTests
{
    [Fact]
    public void Instruments_have_the_names_units_and_tags_of_the_frameworks_own_cache()
    {
        string owner = Guid.NewGuid().ToString();
        using var runtime = new MemoryRuntime(new MemoryRuntimeOptions { Name = owner, CapacityBytes = 64 << 20, BackgroundTrim = false });
        var cache = new NativeCache(runtime, new NativeCacheOptions { Name = "mine", SizeLimit = 1 << 20 });
        var measured = new Dictionary<string, long>();
        var published = new List<string>();
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, self) =>
        {
            if (instrument.Meter.Name == "NativeMm" && instrument.Name.StartsWith("cache.", StringComparison.Ordinal)
                && instrument.Meter.Tags!.Any(tag => (string?)tag.Value == owner))
            {
                published.Add($"{instrument.Name} {instrument.Unit} {instrument.GetType().Name}");
                self.EnableMeasurementEvents(instrument);
            }
        };
        listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) =>
            measured[$"{instrument.Name} {string.Join(' ', tags.ToArray().Select(tag => $"{tag.Key}={tag.Value}"))}"] = value);
        listener.Start();
        Assert.Equal(
            ["cache.entries {entry} ObservableUpDownCounter`1", "cache.estimated_size By ObservableUpDownCounter`1",
             "cache.evictions {eviction} ObservableCounter`1", "cache.requests {request} ObservableCounter`1"],
            published.Order(StringComparer.Ordinal));

        for (int key = 0; key < 5000; key++)
        {
            Assert.True(cache.Set(BitConverter.GetBytes(key), new byte[400]));
        }

        Assert.True(cache.Contains(BitConverter.GetBytes(4999)));
        Assert.True(cache.Refresh(BitConverter.GetBytes(4999)));
        Assert.False(cache.TryGet("none"u8, new byte[1], out _));
        listener.RecordObservableInstruments();
        CacheStatistics now = cache.GetStatistics();
        Assert.Equal((1, 1), (measured["cache.requests cache.name=mine cache.request.type=hit"], measured["cache.requests cache.name=mine cache.request.type=miss"]));
        Assert.Equal(now.Evictions, measured["cache.evictions cache.name=mine"]);
        Assert.InRange(now.Evictions, 1, 5000);
        Assert.Equal(now.Count, measured["cache.entries cache.name=mine"]);
        Assert.Equal(now.UsedBytes, measured["cache.estimated_size cache.name=mine"]);

        cache.Dispose();
        measured.Clear();
        listener.RecordObservableInstruments();
        Assert.Empty(measured);
    }
}
