using System.Globalization;

namespace NativeMm.Lab.Harness;

/// <summary>How much of the processors' time is used by whatever runs on the machine.</summary>
internal static class ProcessorUse
{
    /// <summary>From here on figures scatter, and the user is told so.</summary>
    public const double BusyShare = 0.1;

    private static readonly TimeSpan s_sample = TimeSpan.FromMilliseconds(300);

    /// <summary>The share of all processors' time that is not idle, over a moment in which the lab sleeps; null where the system does not tell.</summary>
    public static double? Sample()
    {
        (ulong Busy, ulong Total)? before = Read();
        Thread.Sleep(s_sample);
        (ulong Busy, ulong Total)? after = Read();
        return before is { } b && after is { } a && a.Total > b.Total ? (double)(a.Busy - b.Busy) / (a.Total - b.Total) : null;
    }

    /// <summary>Reads the first line of <c>/proc/stat</c>: user, nice, system, idle, waiting for devices, interrupts (2), stolen, in ticks.</summary>
    internal static (ulong Busy, ulong Total)? Parse(string? line)
    {
        const int IdleField = 3;
        const int WaitField = 4;
        const int FieldsMax = 8;
        string[] fields = line?.Split(' ', StringSplitOptions.RemoveEmptyEntries) ?? [];
        if (fields.Length <= WaitField + 1 || fields[0] != "cpu")
        {
            return null;
        }

        ulong[] ticks = new ulong[int.Min(fields.Length - 1, FieldsMax)];
        for (int i = 0; i < ticks.Length; i++)
        {
            if (!ulong.TryParse(fields[i + 1], CultureInfo.InvariantCulture, out ticks[i]))
            {
                return null;
            }
        }

        ulong total = ticks.Aggregate(0UL, (sum, one) => sum + one);
        return (total - ticks[IdleField] - ticks[WaitField], total);
    }

    private static (ulong Busy, ulong Total)? Read()
    {
        try
        {
            return Parse(File.ReadLines("/proc/stat").FirstOrDefault());
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
