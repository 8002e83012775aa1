using System.Globalization;
using System.Numerics;

namespace NativeMm.Diagnostics;

/// <summary>How many of what, as one reads it.</summary>
internal static class CountText
{
    /// <summary>The text.</summary>
    /// <param name="number">How many.</param>
    /// <param name="what">One of them.</param>
    /// <returns>As <c>1 block</c> and <c>2 blocks</c>.</returns>
    public static string Of<T>(T number, string what)
        where T : INumberBase<T> => string.Create(CultureInfo.InvariantCulture, $"{number} {what}{(number == T.One ? string.Empty : "s")}");
}
