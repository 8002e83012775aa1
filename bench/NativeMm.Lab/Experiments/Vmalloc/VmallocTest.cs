namespace NativeMm.Lab.Experiments.Vmalloc;

/// <summary>Names of the tests: those of the kernel's test module for vmalloc, and three of our own.</summary>
internal static class VmallocTest
{
    public const string FixSize = "fix_size_alloc";
    public const string FullFit = "full_fit_alloc";
    public const string LongBusyList = "long_busy_list_alloc";
    public const string RandomSize = "random_size_alloc";
    public const string FixAlign = "fix_align_alloc";
    public const string RandomSizeAlign = "random_size_align_alloc";
    public const string AlignShift = "align_shift_alloc";
    public const string PerCore = "pcpu_alloc";
    public const string MapRam = "vm_map_ram";

    /// <summary>
    /// The kernel's asks for memory without waiting. The library has no such call; what runs is its usual <c>TryAlloc</c>, which may wait for a purge, or
    /// purge by itself, before it refuses.
    /// </summary>
    public const string NoBlock = "no_block_alloc";

    public const string Drain = "drain";
    public const string Flush = "flush";
    public const string Storm = "storm";

    /// <summary>Most pages of a map of vm_map_ram.</summary>
    public const int MapRamPagesMax = 64;

    /// <summary>Those of the kernel's module.</summary>
    public static readonly string[] Kernel =
        [FixSize, FullFit, LongBusyList, RandomSize, FixAlign, RandomSizeAlign, AlignShift, PerCore, MapRam, NoBlock];

    /// <summary>All of them.</summary>
    public static readonly string[] All = [.. Kernel, Drain, Flush, Storm];

    /// <summary>Whether a test's areas have a size that can be set.</summary>
    public static bool HasPages(string test) => test is FixSize or MapRam or NoBlock;
}
