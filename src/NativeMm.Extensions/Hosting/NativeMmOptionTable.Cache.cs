using System.Globalization;
using NativeMm.Caching;

namespace NativeMm.Extensions;

internal static partial class NativeMmOptionTable
{
    /// <summary>What the keys of the cache begin with.</summary>
    public const string DistributedCache = "DistributedCache:";

    private const int CircuitFailuresMax = 1_000_000;

    private static NativeMmOption[] CacheRows() =>
    [
        new(
            DistributedCache + "Name",
            "a text that is not empty",
            (o, text) => Set(o.DistributedCache.Name = text),
            o => o.DistributedCache.Name,
            o => !string.IsNullOrWhiteSpace(o.DistributedCache.Name)),
        new(
            DistributedCache + "SizeLimit",
            $"{ByteSize.Format(NativeCacheOptions.SizeLimitMin)} to {ByteSize.Format(NativeCacheOptions.SizeLimitMax)}",
            (o, text) => ByteSize.TryParse(text, out long bytes) && Set(o.DistributedCache.SizeLimit = bytes),
            o => o.DistributedCache.SizeLimit,
            o => o.DistributedCache.SizeLimit is >= NativeCacheOptions.SizeLimitMin and <= NativeCacheOptions.SizeLimitMax),
        new(
            DistributedCache + "MaxEntryBytes",
            BytesOrMore,
            (o, text) => ByteSize.TryParse(text, out long bytes) && Set(o.DistributedCache.MaxEntryBytes = bytes),
            o => o.DistributedCache.MaxEntryBytes,
            o => o.DistributedCache.MaxEntryBytes >= 0),
        Time("DefaultExpiration", "1 ms or more", (o, time) => o.DefaultExpiration = time, o => o.DefaultExpiration, 1, double.MaxValue),
        Time("LocalExpiration", "0 to 1 day", (o, time) => o.LocalExpiration = time, o => o.LocalExpiration, 0, 86_400_000),
        Time("SecondTierTimeout", "1 ms to 1 minute", (o, time) => o.SecondTierTimeout = time, o => o.SecondTierTimeout, 1, 60_000),
        new(
            DistributedCache + "CircuitFailures",
            $"1 to {CircuitFailuresMax}",
            (o, text) => int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int value)
                && Set(o.DistributedCache.CircuitFailures = value),
            o => o.DistributedCache.CircuitFailures,
            o => o.DistributedCache.CircuitFailures is >= 1 and <= CircuitFailuresMax),
        Time("CircuitDuration", "1 ms to 1 h", (o, time) => o.CircuitDuration = time, o => o.CircuitDuration, 1, 3_600_000),
    ];

    private static NativeMmOption Time(
        string key,
        string range,
        Action<NativeDistributedCacheOptions, TimeSpan> set,
        Func<NativeDistributedCacheOptions, TimeSpan?> read,
        double millisecondsMin,
        double millisecondsMax) => new(
            DistributedCache + key,
            range,
            (o, text) =>
            {
                bool isTime = TryTime(text, out TimeSpan time);
                if (isTime)
                {
                    set(o.DistributedCache, time);
                }

                return isTime;
            },
            o => read(o.DistributedCache),
            o => read(o.DistributedCache) is not { } time || (time.TotalMilliseconds >= millisecondsMin && time.TotalMilliseconds <= millisecondsMax));
}
