using System.Globalization;

namespace NativeMm.Lab.Experiments.Vmalloc;

/// <summary>Whether the areas of drain are really mapped.</summary>
internal static class DrainMapping
{
    /// <summary>They are not: figures of the bookkeeping, with any number of areas.</summary>
    public const string No = "no";

    /// <summary>They are, and written to: figures with the system calls, with few areas.</summary>
    public const string Yes = "yes";

    /// <summary>
    /// Most areas that can be mapped. With as many between them that stay, and 32 MiB of areas for the pools twice over, they are half of the usual
    /// vm.max_map_count of 65 530; the library uses three quarters of it.
    /// </summary>
    public const int AreasMax = 8192;

    /// <summary>Both.</summary>
    public static readonly string[] All = [No, Yes];

    /// <summary>Whether so many areas can be mapped.</summary>
    public static bool Fits(string mapped, string areas) => mapped == No || int.Parse(areas, CultureInfo.InvariantCulture) <= AreasMax;
}
