namespace NativeMm.Lab.Experiments.Vmalloc;

/// <summary>What can be set, and which tests it means something to.</summary>
internal static class VmallocParameters
{
    private const int PagesMax = 256;
    private const int AreasMin = 1024;
    private const int AreasMax = 1 << 18;

    /// <summary>All of them.</summary>
    public static IReadOnlyList<ParameterDefinition> All { get; } =
    [
        ParameterDefinition.Choice("test", "what is done", VmallocTest.All),
        ParameterDefinition.Number("pages", "pages of an area of fix_size_alloc, vm_map_ram and no_block_alloc; a map has up to 64", 1, PagesMax, "1"),
        ParameterDefinition.Number("areas", "drain: areas of one page that are freed", AreasMin, AreasMax, "8192", "32768", "131072"),
        ParameterDefinition.Choice("layout", "drain: how they lie", DrainLayout.All),
        ParameterDefinition.Choice("mapped", "drain: whether they are really mapped, which 8192 areas at most can be", DrainMapping.All),
        new(
            "policy",
            "drain and storm: who purges, when he lets go of the lock, what pulls the trigger",
            PurgePolicyText.Sweep,
            PurgePolicyText.Normalize,
            PurgePolicyText.Allowed),
        new(
            "lazy_max",
            "flush: pages that may be outstanding before a purge",
            ["100", "1000", LazyMaxText.Default],
            LazyMaxText.Normalize,
            LazyMaxText.Allowed),
    ];

    /// <summary>Whether a parameter means something to a test.</summary>
    public static bool Means(string parameter, string test) => parameter switch
    {
        "test" => true,
        "pages" => VmallocTest.HasPages(test),
        "areas" or "layout" or "mapped" => test == VmallocTest.Drain,
        "policy" => test is VmallocTest.Drain or VmallocTest.Storm,
        "lazy_max" => test == VmallocTest.Flush,
        _ => false,
    };
}
