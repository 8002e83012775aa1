using System.Globalization;
using System.Text;

namespace NativeMm.Diagnostics;

/// <summary>Writes lock statistics in the shape of <c>/proc/lock_stat</c>; times in microseconds, as there.</summary>
public static class LockStatisticsTable
{
    private const int NameWidth = 40;
    private const int ColumnWidth = 15;
    private const double NanosecondsPerMicrosecond = 1000;

    private static readonly string[] s_columns =
    [
        "con-bounces", "contentions", "waittime-min", "waittime-max", "waittime-total", "waittime-avg",
        "acq-bounces", "acquisitions", "holdtime-min", "holdtime-max", "holdtime-total", "holdtime-avg",
    ];

    /// <summary>A heading and one line a lock, in the order given.</summary>
    /// <param name="locks">The accounts of the locks, a line each.</param>
    /// <returns>The table; the heading alone when there is no account.</returns>
    /// <exception cref="ArgumentNullException">The accounts are null.</exception>
    public static string Format(IEnumerable<LockStatisticsSnapshot> locks)
    {
        ArgumentNullException.ThrowIfNull(locks);
        var text = new StringBuilder();
        string rule = new('-', NameWidth + 1 + (s_columns.Length * ColumnWidth));
        text.Append(rule).Append('\n').Append("class name".PadLeft(NameWidth)).Append(' ');
        foreach (string column in s_columns)
        {
            text.Append(column.PadLeft(ColumnWidth));
        }

        text.Append('\n').Append(rule).Append('\n');
        foreach (LockStatisticsSnapshot row in locks)
        {
            text.Append(row.Name.PadLeft(NameWidth)).Append(':');
            AppendHalf(text, row.ContentionBounces, row.Contentions, row.Wait);
            AppendHalf(text, row.AcquisitionBounces, row.Acquisitions, row.Hold);
            text.Append('\n');
        }

        return text.ToString();
    }

    private static void AppendHalf(StringBuilder text, long bounces, long count, LockTimesSnapshot times)
    {
        text.Append(CultureInfo.InvariantCulture, $"{bounces,ColumnWidth}{count,ColumnWidth}");
        AppendTime(text, times.Minimum);
        AppendTime(text, times.Maximum);
        AppendTime(text, times.Total);
        AppendTime(text, times.Average);
    }

    private static void AppendTime(StringBuilder text, double nanoseconds) =>
        text.Append(CultureInfo.InvariantCulture, $"{nanoseconds / NanosecondsPerMicrosecond,ColumnWidth:F2}");
}
