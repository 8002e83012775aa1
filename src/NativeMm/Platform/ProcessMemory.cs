using System.Buffers.Text;

namespace NativeMm.Platform;

/// <summary>What the system says about the memory of this process. Nothing here allocates managed memory. ENOSYS outside Linux.</summary>
internal static class ProcessMemory
{
    private const int FileBytesMax = 8192;

    /// <summary>Resident bytes, by the cheapest way (<c>/proc/self/statm</c>). The kernel's counters may lag by some pages a core.</summary>
    public static PlatformResult ReadResident(out ulong bytes)
    {
        bytes = 0;
        Span<byte> buffer = stackalloc byte[256];
        PlatformResult result = ProcessFile.Read("/proc/self/statm\0"u8, buffer, out int length);
        if (result.Succeeded)
        {
            bytes = ParseResidentPages(buffer[..length]) * (ulong)Environment.SystemPageSize;
        }

        return result;
    }

    /// <summary>Resident bytes, their peak and more.</summary>
    public static PlatformResult ReadUsage(out ProcessMemoryUsage usage)
    {
        Span<byte> buffer = stackalloc byte[FileBytesMax];
        PlatformResult result = ProcessFile.Read("/proc/self/status\0"u8, buffer, out int length);
        usage = result.Succeeded ? ParseUsage(buffer[..length]) : default;
        return result;
    }

    /// <summary>Exact sums. The kernel walks every page: milliseconds for each gigabyte.</summary>
    public static PlatformResult ReadRollup(out ProcessMemoryRollup rollup)
    {
        Span<byte> buffer = stackalloc byte[FileBytesMax];
        PlatformResult result = ProcessFile.Read("/proc/self/smaps_rollup\0"u8, buffer, out int length);
        rollup = result.Succeeded ? ParseRollup(buffer[..length]) : default;
        return result;
    }

    /// <summary>Page faults since the process began: without and with a wait for a device (<c>/proc/self/stat</c>).</summary>
    public static PlatformResult ReadPageFaults(out long minor, out long major)
    {
        Span<byte> buffer = stackalloc byte[1024];
        PlatformResult result = ProcessFile.Read("/proc/self/stat\0"u8, buffer, out int length);
        (minor, major) = result.Succeeded ? ParsePageFaults(buffer[..length]) : default;
        return result;
    }

    /// <summary>Lets the peak of <see cref="ReadUsage"/> begin anew from what is resident now.</summary>
    public static PlatformResult ResetPeak() => ProcessFile.Write("/proc/self/clear_refs\0"u8, "5"u8);

    /// <summary>The second number of <c>statm</c>.</summary>
    internal static ulong ParseResidentPages(ReadOnlySpan<byte> text)
    {
        int space = text.IndexOf((byte)' ');
        return space >= 0 && Utf8Parser.TryParse(text[(space + 1)..], out ulong pages, out _) ? pages : 0;
    }

    /// <summary>The 10th and the 12th field of <c>stat</c>. The second one is a name in brackets, which may hold anything.</summary>
    internal static (long Minor, long Major) ParsePageFaults(ReadOnlySpan<byte> text)
    {
        ReadOnlySpan<byte> rest = text[(text.LastIndexOf((byte)')') + 1)..];
        (long minor, long major) = (0, 0);
        for (int field = 2; field <= 12 && !rest.IsEmpty; field++)
        {
            int space = rest.IndexOf((byte)' ');
            ReadOnlySpan<byte> value = space < 0 ? rest : rest[..space];
            _ = Utf8Parser.TryParse(value, out long number, out _);
            minor = field == 10 ? number : minor;
            major = field == 12 ? number : major;
            rest = space < 0 ? default : rest[(space + 1)..];
        }

        return (minor, major);
    }

    internal static ProcessMemoryUsage ParseUsage(ReadOnlySpan<byte> text) => new(
        ProcessFile.FindKilobytes(text, "VmRSS:"u8),
        ProcessFile.FindKilobytes(text, "VmHWM:"u8),
        ProcessFile.FindKilobytes(text, "VmSize:"u8),
        ProcessFile.FindKilobytes(text, "RssAnon:"u8),
        ProcessFile.FindKilobytes(text, "RssShmem:"u8));

    internal static ProcessMemoryRollup ParseRollup(ReadOnlySpan<byte> text) => new(
        ProcessFile.FindKilobytes(text, "Rss:"u8),
        ProcessFile.FindKilobytes(text, "Pss:"u8),
        ProcessFile.FindKilobytes(text, "Private_Dirty:"u8),
        ProcessFile.FindKilobytes(text, "Anonymous:"u8),
        ProcessFile.FindKilobytes(text, "AnonHugePages:"u8),
        ProcessFile.FindKilobytes(text, "LazyFree:"u8),
        ProcessFile.FindKilobytes(text, "Swap:"u8));
}
