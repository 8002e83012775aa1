using System.Globalization;

namespace NativeMm.Extensions;

/// <summary>Sizes as people write them.</summary>
internal static class ByteSize
{
    private static readonly (string Unit, long Bytes)[] s_units =
    [
        ("KiB", 1L << 10), ("MiB", 1L << 20), ("GiB", 1L << 30), ("TiB", 1L << 40),
        ("kB", 1_000), ("MB", 1_000_000), ("GB", 1_000_000_000), ("TB", 1_000_000_000_000), ("B", 1), ("", 1),
    ];

    /// <summary>Reads <c>512MiB</c>, <c>1.5 GiB</c>, <c>64 kB</c> or <c>4096</c>, in any culture; 0 to <see cref="long.MaxValue"/> bytes, rounded down, but not to 0.</summary>
    public static bool TryParse(string text, out long bytes)
    {
        bytes = 0;
        text = text.Trim();
        foreach ((string unit, long factor) in s_units)
        {
            if (!text.EndsWith(unit, StringComparison.OrdinalIgnoreCase))
            {
                continue;
            }

            if (!decimal.TryParse(text[..^unit.Length].TrimEnd(), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out decimal number)
                || number > (decimal)long.MaxValue / factor)
            {
                return false;
            }

            // 0 often means something of its own: "automatic", "none". Whoever writes a size means a size.
            bytes = (long)(number * factor);
            return bytes != 0 || number == 0;
        }

        return false;
    }

    /// <summary>With the largest unit that leaves a whole number, as in <c>64 MiB</c>.</summary>
    public static string Format(long bytes)
    {
        int step = bytes == 0 ? 0 : int.Min((int)long.TrailingZeroCount(bytes) / 10, 4);
        string unit = step == 0 ? "bytes" : s_units[step - 1].Unit;
        return string.Create(CultureInfo.InvariantCulture, $"{bytes >> (10 * step)} {unit}");
    }

    /// <summary>Rounded for people, as in <c>1.4 GiB</c>.</summary>
    public static string Round(double bytes)
    {
        int step = 0;
        for (; bytes >= 1024 && step < 4; step++)
        {
            bytes /= 1024;
        }

        string unit = step == 0 ? "B" : s_units[step - 1].Unit;
        return $"{bytes.ToString(step == 0 ? "0" : "0.0", CultureInfo.InvariantCulture)} {unit}";
    }
}
