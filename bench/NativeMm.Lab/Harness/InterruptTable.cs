using System.Globalization;
using NativeMm.Platform;

namespace NativeMm.Lab.Harness;

/// <summary>Counts of <c>/proc/interrupts</c>. They are those of the whole machine: whatever else runs is counted too.</summary>
internal static class InterruptTable
{
    private const string Path = "/proc/interrupts";
    private const string TlbRow = "TLB";

    /// <summary>
    /// How often a core was interrupted since the machine started to drop translations, on all cores together; null where the system does not
    /// tell, as on arm64, which needs no interrupt for it.
    /// </summary>
    public static ulong? TlbShootdowns => Sum(SystemFiles.Real.ReadText(Path), TlbRow);

    /// <summary>The sum of a row over all cores, or null when there is no such row or it holds no number.</summary>
    /// <param name="text">The file: a line that names the cores, then rows of a name, a colon, a count for each core and words.</param>
    /// <param name="row">The row's name.</param>
    internal static ulong? Sum(string? text, string row)
    {
        using IEnumerator<string> lines = (text ?? string.Empty).Split('\n').AsEnumerable().GetEnumerator();
        int cores = lines.MoveNext() ? Words(lines.Current).Count(w => w.StartsWith("CPU", StringComparison.Ordinal)) : 0;
        while (lines.MoveNext())
        {
            int colon = lines.Current.IndexOf(':');
            if (colon >= 0 && lines.Current.AsSpan(0, colon).Trim().SequenceEqual(row))
            {
                return SumOf(Words(lines.Current[(colon + 1)..]).Take(cores));
            }
        }

        return null;
    }

    // Some rows have one count for the whole machine and words after it; a word ends the counts.
    private static ulong? SumOf(IEnumerable<string> words)
    {
        ulong? sum = null;
        foreach (string word in words)
        {
            if (!ulong.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out ulong count))
            {
                break;
            }

            sum = (sum ?? 0) + count;
        }

        return sum;
    }

    private static string[] Words(string line) => line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
}
