using System.Globalization;

namespace NativeMm.Lab.Reporting;

/// <summary>Figures for people: three significant digits and a prefix that fits.</summary>
internal static class QuantityText
{
    /// <summary>Formats a figure with its unit.</summary>
    public static string Format(double value, string unit) => unit switch
    {
        "By" => Scaled(value, 1024, ["B", "KiB", "MiB", "GiB", "TiB"]),
        "By/s" => Scaled(value, 1000, ["B/s", "kB/s", "MB/s", "GB/s"]),
        "1/s" => Scaled(value, 1000, ["/s", "k/s", "M/s", "G/s"]),
        "ns" => Scaled(value, 1000, ["ns", "µs", "ms", "s"]),
        "%" => Digits(value) + " %",
        "1" => Digits(value),
        _ => $"{Digits(value)} {unit}",
    };

    /// <summary>Formats a ratio.</summary>
    public static string Ratio(double value) => double.IsFinite(value) ? value.ToString(value >= 100 ? "0" : "0.00", CultureInfo.InvariantCulture) + " ×" : "—";

    /// <summary>Three significant digits, but all digits of what is larger.</summary>
    public static string Digits(double value)
    {
        double size = Math.Abs(value);
        string format = size >= 100 ? "0" : size >= 10 ? "0.0" : size >= 0.995 || size == 0 ? "0.00" : "0.000";
        string text = value.ToString(format, CultureInfo.InvariantCulture);
        return text.Contains('.') && value == Math.Round(value) ? text.TrimEnd('0').TrimEnd('.') : text;
    }

    private static string Scaled(double value, double step, string[] units)
    {
        int at = 0;
        while (Math.Abs(value) >= step && at < units.Length - 1)
        {
            value /= step;
            at++;
        }

        return $"{Digits(value)} {units[at]}";
    }
}
