using System.Globalization;
using NativeMm.Vmap;

namespace NativeMm.Lab.Experiments.Vmalloc;

/// <summary>Numbers of pages that may be outstanding, as the command line writes them: <c>default</c> or a number.</summary>
internal static class LazyMaxText
{
    /// <summary>What the library chooses by itself.</summary>
    public const string Default = "default";

    /// <summary>What to say about good values in a message.</summary>
    public const string Allowed = "default, or a whole number of pages from 1 to 1073741824";

    /// <summary>The canonical text, or null when the text means nothing.</summary>
    public static string? Normalize(string text) =>
        text == Default ? text : TryParse(text, out uint pages) ? pages.ToString(CultureInfo.InvariantCulture) : null;

    /// <summary>The number that a canonical text means; 0 lets the library choose.</summary>
    public static uint Parse(string text) => TryParse(text, out uint pages) ? pages : 0;

    private static bool TryParse(string text, out uint pages) =>
        uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out pages) && pages is >= 1 and <= LazyPurgePolicy.LazyPagesLimit;
}
