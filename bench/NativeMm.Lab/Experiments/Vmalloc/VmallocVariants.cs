using NativeMm.Lab.Baselines;
using NativeMm.Platform;
using NativeMm.Vmap;

namespace NativeMm.Lab.Experiments.Vmalloc;

/// <summary>What the vmalloc experiment compares.</summary>
internal static class VmallocVariants
{
    /// <summary>The library as it is.</summary>
    public static readonly Variant NativeMm = Ours("nativemm", "VmapAllocator: freed ranges wait in pools for each core, then in a sorted merged set");

    /// <summary>Without pools.</summary>
    public static readonly Variant Lazy = Ours("nativemm-lazy", "VmapAllocator without pools: every freed range goes to the sorted merged set");

    /// <summary>Without waiting.</summary>
    public static readonly Variant Eager = Ours("nativemm-eager", "VmapAllocator without pools that purges as soon as two freed pages wait");

    /// <summary>Linux before 5.11.</summary>
    public static readonly Variant Unsorted = OnLinux(new("unsorted", "freed ranges on an unsorted list, given back by the caller in one hold of the lock"));

    /// <summary>Nothing at all.</summary>
    public static readonly Variant Mmap = new("mmap", "a mapping for each allocation, removed by its free");

    /// <summary>All of them.</summary>
    public static IReadOnlyList<Variant> All { get; } = [NativeMm, Lazy, Eager, Unsorted, Mmap];

    /// <summary>Whether a variant can run a test.</summary>
    public static bool CanRun(string variant, string test) => test switch
    {
        VmallocTest.PerCore or VmallocTest.NoBlock => variant != Mmap.Name,
        VmallocTest.Drain or VmallocTest.Storm => variant != Mmap.Name && variant != Eager.Name,
        _ => true,
    };

    /// <summary>Whether a variant lets freed ranges wait for as long as it is told.</summary>
    public static bool IsLazy(string variant) => variant != Mmap.Name && variant != Eager.Name;

    /// <summary>The options that make a variant out of what a test asks for.</summary>
    public static VmapOptions Shape(string variant, VmapOptions options) => variant switch
    {
        "nativemm" => options,
        "nativemm-lazy" => options with { PooledBytesMaxPerCore = 0 },
        "nativemm-eager" => options with
        {
            PooledBytesMaxPerCore = 0,
            Purge = new LazyPurgePolicy { Executor = PurgeExecutor.Caller, Trigger = PurgeTrigger.Pages, LazyPagesMax = 1 },
        },
        "unsorted" => options with
        {
            PooledBytesMaxPerCore = 0,
            Purge = options.Purge with { Executor = PurgeExecutor.Caller, Trigger = PurgeTrigger.Pages, LockRelease = PurgeLockRelease.Never },
        },
        _ => throw new ArgumentException($"There is no vmalloc variant called {variant}.", nameof(variant)),
    };

    /// <summary>Where a variant's freed ranges wait.</summary>
    public static LazySet MakeLazySet(string variant, FreeSpaceGeometry geometry) =>
        variant == Unsorted.Name ? new UnsortedLazySet(geometry) : new SortedLazySet(geometry);

    /// <summary>Makes a variant and brings it together with a visitor.</summary>
    public static TResult Accept<TResult>(string variant, VmapOptions options, IVmallocVisitor<TResult> visitor)
    {
        if (variant == Mmap.Name)
        {
            using var mmap = new MmapAllocator();
            return visitor.Visit(new MmapRanges(mmap));
        }

        using var allocator = new VmapAllocator(Shape(variant, options), SystemPlatform.Current, null, g => MakeLazySet(variant, g));
        using var ranges = new VmapFrames(allocator);
        TResult result = visitor.Visit(new VmapRanges(allocator, ranges));
        allocator.Validate();
        return result;
    }

    private static Variant Ours(string name, string summary) => new(name, summary) { IsOurs = true, Missing = MissingOf(name) };

    private static Variant OnLinux(Variant variant) => new(variant.Name, variant.Summary) { Missing = MissingOf(variant.Name) };

    private static string? MissingOf(string name) =>
        SystemPlatform.IsLinux ? null : $"{name} is left out: frames can appear at addresses of our choice on Linux only.";
}
