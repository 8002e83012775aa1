using NativeMm.Frames;
using NativeMm.Platform;
using NativeMm.Zsmalloc;

namespace NativeMm.Lab.Experiments.Zsmalloc;

/// <summary>The pools that the lab compares, and how each is made.</summary>
internal static class ZsPools
{
    /// <summary>The default.</summary>
    public static readonly Variant PerClass = new("per-class", "ZsPool, a lock for each class") { IsOurs = true };

    /// <summary>The design before the seed's patch.</summary>
    public static readonly Variant Pool = new("pool", "ZsPool, one lock for the pool") { IsOurs = true };

    /// <summary>The seed's patch.</summary>
    public static readonly Variant PoolSingleCompactor = new("pool-single-compactor", "ZsPool, one lock for the pool and one compactor at a time")
    {
        IsOurs = true,
    };

    /// <summary>All of them.</summary>
    public static IReadOnlyList<Variant> All { get; } = [PerClass, Pool, PoolSingleCompactor];

    // Address space only: frames are touched as the pool takes them.
    private const ulong ZoneBytes = 1UL << 30;
    private const int CompactorsMax = 64;

    /// <summary>Makes a frame allocator over a fresh zone and calls somebody with it.</summary>
    public static TResult WithFrames<TResult>(Func<IFrameAllocator, TResult> use)
    {
        PlatformResult result = FrameZone.TryCreate(SystemPlatform.Current, ZoneKind.Normal, ZoneBytes, out FrameZone? zone);
        if (zone is null)
        {
            throw new InsufficientMemoryException($"The system refuses the zone: {result}.");
        }

        using (zone)
        {
            using var frames = new LockFreeFrameAllocator(zone);
            return use(frames);
        }
    }

    /// <summary>Makes a variant's pool over a fresh zone and brings it together with a visitor.</summary>
    /// <param name="variant">Name of one of <see cref="All"/>.</param>
    /// <param name="accounting">Whether the pool's locks keep an account, which costs time.</param>
    /// <param name="visitor">What to do.</param>
    public static TResult Accept<TVisitor, TResult>(string variant, bool accounting, TVisitor visitor)
        where TVisitor : IPoolVisitor<TResult> => WithFrames(frames =>
    {
        using ZsPool pool = Create(frames, variant, accounting);
        TResult result = visitor.Visit(new ZsPoolUnderTest(pool));
        pool.Validate();
        return result;
    });

    /// <summary>Makes a variant's pool. It compacts only when it is told to.</summary>
    public static ZsPool Create(IFrameAllocator frames, string variant, bool accounting) => new(frames, new ZsPoolOptions
    {
        LockMode = ModeOf(variant),
        AutoCompact = false,
        MaxCompactors = CompactorsMax,
        LockStatistics = accounting,
    });

    private static ZsLockMode ModeOf(string variant) => variant switch
    {
        "per-class" => ZsLockMode.PerClass,
        "pool" => ZsLockMode.Pool,
        "pool-single-compactor" => ZsLockMode.PoolSingleCompactor,
        _ => throw new ArgumentException($"There is no pool called {variant}.", nameof(variant)),
    };
}
