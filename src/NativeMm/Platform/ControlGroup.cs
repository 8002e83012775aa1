using System.Globalization;

namespace NativeMm.Platform;

/// <summary>
/// Limits that the process's control groups set, versions 1 and 2. A limit may stand at any level above the process; the lowest one counts.
/// </summary>
/// <param name="CpuQuota">Processors' worth of time, such as 1.5; null without a limit.</param>
/// <param name="MemoryBytesMax">Bytes of memory; null without a limit.</param>
internal sealed record ControlGroup(double? CpuQuota, ulong? MemoryBytesMax)
{
    // Version 1 says "no limit" as the largest multiple of a page that fits 63 bits; nothing real comes near.
    private const ulong NoLimitFrom = 1UL << 60;

    /// <summary>Reads the limits of the calling process.</summary>
    public static ControlGroup Read(SystemFiles files)
    {
        double? quota = null;
        ulong? bytes = null;
        foreach (string folder in ControlGroupFolders.Find(files, "cpu"))
        {
            quota = Lower(quota, ParseQuotaV2(files.ReadText($"{folder}/cpu.max")));
            quota = Lower(quota, ParseQuotaV1(files.ReadText($"{folder}/cpu.cfs_quota_us"), files.ReadText($"{folder}/cpu.cfs_period_us")));
        }

        foreach (string folder in ControlGroupFolders.Find(files, "memory"))
        {
            bytes = Lower(bytes, ParseMemory(files.ReadText($"{folder}/memory.max")));
            bytes = Lower(bytes, ParseMemory(files.ReadText($"{folder}/memory.limit_in_bytes")));
        }

        return new ControlGroup(quota, bytes);
    }

    /// <summary>Version 2: <c>150000 100000</c> is 1.5 processors, <c>max 100000</c> no limit.</summary>
    internal static double? ParseQuotaV2(string? text)
    {
        string[] parts = (text ?? "").Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return parts.Length == 2 ? ParseQuotaV1(parts[0], parts[1]) : null;
    }

    /// <summary>Version 1: two files, quota −1 is no limit.</summary>
    internal static double? ParseQuotaV1(string? quota, string? period) =>
        TryParseMicroseconds(quota, out long allowed) && TryParseMicroseconds(period, out long every) ? (double)allowed / every : null;

    /// <summary>A number of bytes; <c>max</c> or a number that no machine has is no limit.</summary>
    internal static ulong? ParseMemory(string? text) =>
        ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out ulong bytes) && bytes < NoLimitFrom ? bytes : null;

    private static bool TryParseMicroseconds(string? text, out long value) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value) && value > 0;

    private static T? Lower<T>(T? left, T? right)
        where T : struct, IComparable<T> =>
        left is null ? right : right is null || left.Value.CompareTo(right.Value) <= 0 ? left : right;
}
