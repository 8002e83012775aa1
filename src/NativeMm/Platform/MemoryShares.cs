using System.Globalization;

namespace NativeMm.Platform;

/// <summary>
/// How much of the machine's or the container's memory native memory may take by default: the limit less what the garbage collector was given. Its own limit
/// is for managed memory alone and says nothing about this one.
/// </summary>
internal static class MemoryShares
{
    /// <summary>What stays for the rest of the process when the garbage collector was not told a limit: one part in so many, and at least what a small program without any data takes.</summary>
    private const ulong RestDivisor = 16;
    private const ulong RestBytesMin = 64UL << 20;

    // Whatever the garbage collector was told, so much is for native memory: one part in so many.
    private const ulong LeastDivisor = 8;

    /// <summary>The share of native memory on this system, in bytes.</summary>
    public static ulong ReadNative() => ReadNative(out _);

    /// <inheritdoc cref="ReadNative()"/>
    /// <param name="limit">The container's limit or the machine's memory, whichever is less.</param>
    public static ulong ReadNative(out ulong limit)
    {
        limit = ReadLimit(SystemFiles.Real);
        ulong managed = ReadManaged(Environment.GetEnvironmentVariable, AppContext.GetData, limit);
        return Native(limit, managed);
    }

    /// <summary>The container's limit or the machine's memory, whichever is less.</summary>
    internal static ulong ReadLimit(SystemFiles files)
    {
        string? machine = SystemFiles.FindValue(files.ReadText("/proc/meminfo"), "MemTotal");
        ulong bytes = SizeText.TryParse(machine, out ulong read) && read != 0 ? read : (ulong)GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        return ulong.Min(bytes, ControlGroup.Read(files).MemoryBytesMax ?? bytes);
    }

    /// <summary>What the garbage collector was told to take at most, by variable or configuration; 0 when it was told nothing.</summary>
    /// <param name="variable">Environment variables; their numbers are hexadecimal.</param>
    /// <param name="setting">Settings of the runtime configuration; their numbers are decimal.</param>
    /// <param name="limit">What a percentage is of.</param>
    internal static ulong ReadManaged(Func<string, string?> variable, Func<string, object?> setting, ulong limit)
    {
        ulong bytes = Number("GCHeapHardLimit", "System.GC.HeapHardLimit");
        return bytes != 0 ? bytes : limit / 100 * ulong.Min(Number("GCHeapHardLimitPercent", "System.GC.HeapHardLimitPercent"), 100);

        ulong Number(string name, string key)
        {
            string text = variable("DOTNET_" + name) ?? variable("COMPlus_" + name) ?? "";
            text = text.StartsWith("0x", StringComparison.OrdinalIgnoreCase) ? text[2..] : text;
            return ulong.TryParse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ulong value)
                || ulong.TryParse(Convert.ToString(setting(key), CultureInfo.InvariantCulture), CultureInfo.InvariantCulture, out value)
                ? value : 0;
        }
    }

    /// <summary>The share of native memory.</summary>
    /// <param name="limit">What all memory of the process may be.</param>
    /// <param name="managed">What the garbage collector may take, 0 if it was told nothing.</param>
    internal static ulong Native(ulong limit, ulong managed)
    {
        ulong rest = managed != 0 ? managed : ulong.Max(limit / RestDivisor, RestBytesMin);
        return limit - ulong.Min(rest, limit - (limit / LeastDivisor));
    }
}
