using System.Globalization;
using System.Numerics;

namespace NativeMm.Diagnostics;

/// <summary>How many of what, as one reads it.</summary>
internal static class CountText
{
    /// <summary>The text.</summary>
    /// <param name="number">How many.</param>
    /// <param name="what">One of them.</param>
    /// <param name="format">How the number is written; null for digits alone.</param>
    /// <returns>As <c>1 block</c> and <c>2 blocks</c>.</returns>
    public static string Of<T>(T number, string what, string? format = null)
        where T : INumberBase<T> => $"{number.ToString(format, CultureInfo.InvariantCulture)} {what}{(number == T.One ? string.Empty : "s")}";
}
