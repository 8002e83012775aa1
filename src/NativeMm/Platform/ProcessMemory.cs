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

    /// <summary>Lets the peak of <see cref="ReadUsage"/> begin anew from what is resident now.</summary>
    public static PlatformResult ResetPeak() => ProcessFile.Write("/proc/self/clear_refs\0"u8, "5"u8);

    /// <summary>The second number of <c>statm</c>.</summary>
    internal static ulong ParseResidentPages(ReadOnlySpan<byte> text)
    {
        int space = text.IndexOf((byte)' ');
        return space >= 0 && Utf8Parser.TryParse(text[(space + 1)..], out ulong pages, out _) ? pages : 0;
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
