using System.Globalization;
using NativeMm.Buffers;
using NativeMm.Runtime;

namespace NativeMm.Extensions;

/// <summary>All options that the configuration can set. By hand and not by the framework's binder: no reflection, and messages that name the range.</summary>
internal static partial class NativeMmOptionTable
{
    // Below that the margins alone would be most of it.
    private const long TotalBytesMin = 128L << 20;

    private const int HoursMax = 1_000_000;
    private const string Flag = "true or false";
    private const string BytesOrMore = "0 to 9223372036854775807 bytes (8 EiB - 1)";

    /// <summary>The rows.</summary>
    public static IReadOnlyList<NativeMmOption> Rows { get; } =
    [
        new("Name", "a text that is not empty", (o, text) => Set(o.Name = text), o => o.Name, o => !string.IsNullOrWhiteSpace(o.Name)),
        new(
            "CapacityBytes",
            $"0 (automatic) or {ByteSize.Format((long)MemoryRuntimeOptions.CapacityBytesMin)} to {ByteSize.Format((long)MemoryRuntimeOptions.CapacityBytesMax)}",
            (o, text) => TryBytes(text, out ulong bytes) && Set(o.CapacityBytes = bytes),
            o => o.CapacityBytes,
            o => o.CapacityBytes is 0 or (>= MemoryRuntimeOptions.CapacityBytesMin and <= MemoryRuntimeOptions.CapacityBytesMax)),
        new(
            "FrameAllocator",
            "LockFree or Buddy",
            (o, text) => TryName(text, out FrameAllocatorKind kind) && Set(o.FrameAllocator = kind),
            o => o.FrameAllocator,
            o => Enum.IsDefined(o.FrameAllocator)),
        new("BackgroundTrim", Flag, (o, text) => TryFlag(text, out bool value) && Set(o.BackgroundTrim = value), o => o.BackgroundTrim, _ => true),
        new(
            "PurgeDelay",
            "10 ms to 1 h",
            (o, text) => TryTime(text, out TimeSpan time) && Set(o.PurgeDelay = time),
            o => o.PurgeDelay,
            o => o.PurgeDelay >= TimeSpan.FromMilliseconds(10) && o.PurgeDelay <= TimeSpan.FromHours(1)),
        new(
            "LargeRetainBytesMax",
            BytesOrMore,
            (o, text) => TryBytes(text, out ulong bytes) && Set(o.LargeRetainBytesMax = bytes),
            o => o.LargeRetainBytesMax,
            _ => true),
        new(
            "ThreadCacheBytesMax",
            BytesOrMore,
            (o, text) => TryBytes(text, out ulong bytes) && Set(o.ThreadCacheBytesMax = bytes),
            o => o.ThreadCacheBytesMax,
            _ => true),
        new("HugePages", Flag, (o, text) => TryFlag(text, out bool value) && Set(o.HugePages = value), o => o.HugePages, _ => true),
        new("Checked", Flag, (o, text) => TryFlag(text, out bool value) && Set(o.Checked = value), o => o.Checked, _ => true),
        new("Sampled", Flag, (o, text) => TryFlag(text, out bool value) && Set(o.Sampled = value), o => o.Sampled, _ => true),
        new("HeapProfile", Flag, (o, text) => TryFlag(text, out bool value) && Set(o.HeapProfile = value), o => o.HeapProfile, _ => true),
        new(
            "HeapProfileIntervalBytes",
            "4 KiB to 1 GiB",
            (o, text) => TryBytes(text, out ulong bytes) && Set(o.HeapProfileIntervalBytes = bytes),
            o => o.HeapProfileIntervalBytes,
            o => o.HeapProfileIntervalBytes is >= (4UL << 10) and <= (1UL << 30)),
        new(
            "TotalMemoryLimit",
            $"{ByteSize.Format(TotalBytesMin)} to 9223372036854775807 bytes, or a share such as 90% that comes to that",
            (o, text) => MemoryLimit.TryParse(text, out MemoryLimit limit) && Set(o.TotalMemoryLimit = limit),
            o => o.TotalMemoryLimit,
            o => o.TotalMemoryLimit is null || o.TotalMemoryBytes >= TotalBytesMin),
        new(
            "KestrelPool:BlockBytesMin",
            $"a power of two from {BufferPoolOptions.BlockBytesSmallest} to {BufferPoolOptions.BlockBytesLargest}",
            (o, text) => ByteSize.TryParse(text, out long bytes) && bytes <= int.MaxValue && Set(o.KestrelPool = o.KestrelPool with { BlockBytesMin = (int)bytes }),
            o => o.KestrelPool.BlockBytesMin,
            o => o.KestrelPool.BlockBytesMin is >= BufferPoolOptions.BlockBytesSmallest and <= BufferPoolOptions.BlockBytesLargest
                && int.IsPow2(o.KestrelPool.BlockBytesMin)),
        new(
            "KestrelPool:IdleDelay",
            "100 ms to 1 h",
            (o, text) => TryTime(text, out TimeSpan time) && Set(o.KestrelPool = o.KestrelPool with { IdleDelay = time }),
            o => o.KestrelPool.IdleDelay,
            o => o.KestrelPool.IdleDelay >= TimeSpan.FromMilliseconds(100) && o.KestrelPool.IdleDelay <= TimeSpan.FromHours(1)),
        new(
            "KestrelPool:Checked",
            Flag,
            (o, text) => TryFlag(text, out bool value) && Set(o.KestrelPool = o.KestrelPool with { Checked = value }),
            o => o.KestrelPool.Checked,
            _ => true),
        new(
            "KestrelPool:StackSampleInterval",
            "0 (no stacks), 1 (every stack) or more",
            (o, text) => int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int value)
                && Set(o.KestrelPool = o.KestrelPool with { StackSampleInterval = value }),
            o => o.KestrelPool.StackSampleInterval,
            o => o.KestrelPool.StackSampleInterval >= 0),
        .. CacheRows(),
    ];

    // An assignment has a value of its own type; here it is done, which is all that matters.
    private static bool Set<T>(T value) => value is not null;

    private static bool TryBytes(string text, out ulong bytes)
    {
        bool read = ByteSize.TryParse(text, out long value);
        bytes = (ulong)value;
        return read;
    }

    /// <summary>One name and nothing else: the framework's reading takes numbers, and several names as one value.</summary>
    private static bool TryName<T>(string text, out T value)
        where T : struct, Enum
    {
        value = default;
        return Enum.GetNames<T>().Contains(text.Trim(), StringComparer.OrdinalIgnoreCase) && Enum.TryParse(text, ignoreCase: true, out value);
    }

    private static bool TryFlag(string text, out bool value) => bool.TryParse(text, out value);

    /// <summary>Reads <c>00:00:05</c>, and <c>500ms</c>, <c>5 s</c>, <c>1m</c>, <c>1h</c>. A bare number is refused: nobody knows of what.</summary>
    private static bool TryTime(string text, out TimeSpan time)
    {
        text = text.Trim();
        time = default;
        foreach ((string unit, double seconds) in ((string, double)[])[("ms", 0.001), ("s", 1), ("m", 60), ("h", 3600)])
        {
            if (text.EndsWith(unit, StringComparison.OrdinalIgnoreCase)
                && double.TryParse(text[..^unit.Length].TrimEnd(), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double number)
                && number * seconds < TimeSpan.MaxValue.TotalSeconds / 2)
            {
                time = TimeSpan.FromSeconds(number * seconds);
                return true;
            }
        }

        int colon = text.IndexOf(':', StringComparison.Ordinal);
        if (colon > 0 && text.AsSpan().Count(':') == 2 && int.TryParse(text.AsSpan(0, colon), NumberStyles.None, CultureInfo.InvariantCulture, out int hours)
            && hours is >= 24 and <= HoursMax)
        {
            // The framework's reading makes 24 days of 24:00:00.
            bool isTime = TimeSpan.TryParse("00" + text[colon..], CultureInfo.InvariantCulture, out time);
            time += isTime ? TimeSpan.FromHours(hours) : TimeSpan.Zero;
            return isTime;
        }

        return colon >= 0 && TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out time);
    }
}
