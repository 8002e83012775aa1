using System.Globalization;
using NativeMm.Caching;

namespace NativeMm.Extensions;

internal static partial class NativeMmOptionTable
{
    /// <summary>What the keys of the cache begin with.</summary>
    public const string DistributedCache = "DistributedCache:";

    /// <summary>What those of the store of output caching begin with.</summary>
    public const string OutputCache = "OutputCache:";

    private const int CircuitFailuresMax = 1_000_000;

    /// <summary>Checks the options of one part alone.</summary>
    /// <param name="prefix">What their keys begin with.</param>
    /// <param name="options">Where they stand.</param>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of its range; the message names it, its value and the range.</exception>
    public static void Validate(string prefix, NativeMmOptions options)
    {
        foreach (NativeMmOption row in Rows)
        {
            if (row.Key.StartsWith(prefix, StringComparison.Ordinal) && !row.IsValid(options))
            {
                throw new ArgumentOutOfRangeException(row.Key[prefix.Length..], row.Read(options), row.Complaint(row.Read(options)));
            }
        }
    }

    private static NativeMmOption[] CacheRows() =>
    [
        NameOf(DistributedCache, (o, text) => o.DistributedCache.Name = text, o => o.DistributedCache.Name),
        SizeLimitOf(DistributedCache, (o, bytes) => o.DistributedCache.SizeLimit = bytes, o => o.DistributedCache.SizeLimit),
        MaxEntryBytesOf(DistributedCache, (o, bytes) => o.DistributedCache.MaxEntryBytes = bytes, o => o.DistributedCache.MaxEntryBytes),
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
        NameOf(OutputCache, (o, text) => o.OutputCache.Name = text, o => o.OutputCache.Name),
        SizeLimitOf(OutputCache, (o, bytes) => o.OutputCache.SizeLimit = bytes, o => o.OutputCache.SizeLimit),
        MaxEntryBytesOf(OutputCache, (o, bytes) => o.OutputCache.MaxEntryBytes = bytes, o => o.OutputCache.MaxEntryBytes),
    ];

    private static NativeMmOption NameOf(string prefix, Action<NativeMmOptions, string> set, Func<NativeMmOptions, string> read) => new(
        prefix + "Name",
        "a text that is not empty",
        (o, text) =>
        {
            set(o, text);
            return true;
        },
        read,
        o => !string.IsNullOrWhiteSpace(read(o)));

    private static NativeMmOption SizeLimitOf(string prefix, Action<NativeMmOptions, long> set, Func<NativeMmOptions, long> read) => Bytes(
        prefix + "SizeLimit",
        $"{ByteSize.Format(NativeCacheOptions.SizeLimitMin)} to {ByteSize.Format(NativeCacheOptions.SizeLimitMax)}",
        set,
        read,
        bytes => bytes is >= NativeCacheOptions.SizeLimitMin and <= NativeCacheOptions.SizeLimitMax);

    private static NativeMmOption MaxEntryBytesOf(string prefix, Action<NativeMmOptions, long> set, Func<NativeMmOptions, long> read) =>
        Bytes(prefix + "MaxEntryBytes", BytesOrMore, set, read, bytes => bytes >= 0);

    private static NativeMmOption Bytes(
        string key, string range, Action<NativeMmOptions, long> set, Func<NativeMmOptions, long> read, Func<long, bool> isValid) => new(
            key,
            range,
            (o, text) =>
            {
                bool isSize = ByteSize.TryParse(text, out long bytes);
                if (isSize)
                {
                    set(o, bytes);
                }

                return isSize;
            },
            o => read(o),
            o => isValid(read(o)));

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
