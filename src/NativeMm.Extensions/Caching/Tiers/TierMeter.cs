using System.Diagnostics.Metrics;

namespace NativeMm.Extensions;

/// <summary>What of the meter <c>NativeMm</c> belongs to a second tier. All instruments are observable: the calls pay nothing for them.</summary>
internal sealed class TierMeter : IDisposable
{
    private readonly KeyValuePair<string, object?> _name;
    private readonly WeakReference<SecondTier> _tier;
    private readonly Meter? _own;

    /// <summary>Publishes the instruments.</summary>
    /// <param name="meters">Who makes the meter, and ends it; null for one of one's own.</param>
    /// <param name="name">The name of the cache.</param>
    /// <param name="tier">The tier. The meter does not keep it alive.</param>
    public TierMeter(IMeterFactory? meters, string name, SecondTier tier)
    {
        _name = new("cache.name", name);
        _tier = new WeakReference<SecondTier>(tier);
        var options = new MeterOptions("NativeMm") { Version = typeof(TierMeter).Assembly.GetName().Version?.ToString(3) };
        Meter meter = meters?.Create(options) ?? (_own = new Meter(options));
        meter.CreateObservableCounter("cache.tier.requests", ReadRequests, "{request}", "Reads of the second tier by what they found.");
        meter.CreateObservableCounter("cache.tier.failures", ReadFailures, "{call}", "Calls of the second tier that came to nothing, and damaged entries.");
        meter.CreateObservableCounter("cache.tier.shared_loads", () => Read(tier => tier.Counts.Shared), "{request}", "Reads that shared the load of another one.");
        meter.CreateObservableCounter("cache.tier.repairs", () => Read(tier => tier.Counts.Repairs), "{write}", "Writes that the second tier had missed and got later.");
        meter.CreateObservableGauge(
            "cache.tier.circuit", () => Read(tier => (long)tier.State), null, "Whether the second tier is asked: 0 closed (it is), 1 open, 2 half open.");
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _tier.SetTarget(null!);
        _own?.Dispose();
    }

    private IEnumerable<Measurement<long>> Read(Func<SecondTier, long> value) =>
        _tier.TryGetTarget(out SecondTier? tier) ? [new Measurement<long>(value(tier), _name)] : [];

    private IEnumerable<Measurement<long>> ReadRequests() => Read(
        "cache.request.type", ("hit", static counts => counts.Hits), ("miss", static counts => counts.Misses));

    private IEnumerable<Measurement<long>> ReadFailures() => Read(
        "error.type",
        ("error", static counts => counts.Errors),
        ("timeout", static counts => counts.Timeouts),
        ("circuit_open", static counts => counts.Rejected),
        ("corrupt", static counts => counts.Corrupt));

    private IEnumerable<Measurement<long>> Read(string tag, params (string Value, Func<TierCounts, long> Count)[] rows) =>
        _tier.TryGetTarget(out SecondTier? tier)
            ? rows.Select(row => new Measurement<long>(row.Count(tier.Counts), _name, new(tag, row.Value)))
            : [];
}
