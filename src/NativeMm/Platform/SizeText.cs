using System.Globalization;

namespace NativeMm.Platform;

/// <summary>Sizes as the kernel writes them: <c>32K</c>, <c>4M</c>, <c>16384 kB</c>, <c>4096</c>.</summary>
internal static class SizeText
{
    /// <summary>Reads a size in bytes. False for anything else, a negative number and a size beyond 64 bits.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out ulong bytes)
    {
        text = text.Trim();
        int digits = text.IndexOfAnyExceptInRange('0', '9');
        ReadOnlySpan<char> number = digits < 0 ? text : text[..digits];
        ReadOnlySpan<char> unit = digits < 0 ? default : text[digits..].Trim();
        int shift = unit switch
        {
            "" or "B" => 0,
            "K" or "kB" or "KB" => 10,
            "M" or "MB" => 20,
            "G" or "GB" => 30,
            _ => -1,
        };
        if (shift < 0 || !ulong.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out bytes) || bytes > ulong.MaxValue >> shift)
        {
            bytes = 0;
            return false;
        }

        bytes <<= shift;
        return true;
    }
}
