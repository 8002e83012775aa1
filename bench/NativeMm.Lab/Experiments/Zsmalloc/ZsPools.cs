using NativeMm.Diagnostics;
using NativeMm.Frames;
using NativeMm.Lab.Baselines;
using NativeMm.Platform;
using NativeMm.Primitives;
using NativeMm.Zsmalloc;

namespace NativeMm.Lab.Experiments.Zsmalloc;

/// <summary>The pools that the lab compares, and how each is made.</summary>
internal static class ZsPools
{
    /// <summary>The default.</summary>
    public static readonly Variant PerClass = new("per-class", "ZsPool, a lock for each class") { IsOurs = true };

    /// <summary>One lock for the pool, as in Linux 6.2.</summary>
    public static readonly Variant Pool = new("pool", "ZsPool, one lock for the pool") { IsOurs = true };

    /// <summary>One lock and one compactor at a time, as in Linux 6.4.</summary>
    public static readonly Variant PoolSingleCompactor = new("pool-single-compactor", "ZsPool, one lock for the pool and one compactor at a time")
    {
        IsOurs = true,
    };

    /// <summary>The default's way to find the class, in the simpler pool that the two others are measured in.</summary>
    public static readonly Variant InCell = new("class-in-cell", "simpler pool, a lock for each class, the class in the handle's cell");

    /// <summary>The class in the handle's low bits.</summary>
    public static readonly Variant InHandle = new("class-in-handle", "the same, the class in the handle's low bits");

    /// <summary>The class in the object's first byte.</summary>
    public static readonly Variant InObject = new("class-in-object", "the same, the class in the object's first byte, checked under the lock");

    /// <summary>The pool as it is.</summary>
    public static IReadOnlyList<Variant> Lockings { get; } = [PerClass, Pool, PoolSingleCompactor];

    /// <summary>Where the class of a handle can be kept.</summary>
    public static IReadOnlyList<Variant> Encodings { get; } = [InCell, InHandle, InObject];

    /// <summary>All of them.</summary>
    public static IReadOnlyList<Variant> All { get; } = [.. Lockings, .. Encodings];

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
        where TVisitor : IPoolVisitor<TResult> => WithFrames(frames => variant switch
        {
            "class-in-cell" => Encoded<ClassInCell, TVisitor, TResult>(frames, accounting, visitor),
            "class-in-handle" => Encoded<ClassInHandle, TVisitor, TResult>(frames, accounting, visitor),
            "class-in-object" => Encoded<ClassInObject, TVisitor, TResult>(frames, accounting, visitor),
            _ => Own<TVisitor, TResult>(frames, variant, accounting, visitor),
        });

    /// <summary>Makes a variant's pool. It compacts only when it is told to.</summary>
    public static ZsPool Create(IFrameAllocator frames, string variant, bool accounting) => new(frames, new ZsPoolOptions
    {
        LockMode = ModeOf(variant),
        AutoCompact = false,
        MaxCompactors = CompactorsMax,
        LockStatistics = accounting,
    });

    private static TResult Own<TVisitor, TResult>(IFrameAllocator frames, string variant, bool accounting, TVisitor visitor)
        where TVisitor : IPoolVisitor<TResult>
    {
        using ZsPool pool = Create(frames, variant, accounting);
        return Visit<ZsPoolUnderTest, TVisitor, TResult>(new ZsPoolUnderTest(pool), visitor);
    }

    private static TResult Encoded<TEncoding, TVisitor, TResult>(IFrameAllocator frames, bool accounting, TVisitor visitor)
        where TEncoding : struct, IHandleEncoding
        where TVisitor : IPoolVisitor<TResult> => accounting
            ? Encoded<TEncoding, LockStatistics, TVisitor, TResult>(frames, visitor)
            : Encoded<TEncoding, NoLockStatistics, TVisitor, TResult>(frames, visitor);

    private static TResult Encoded<TEncoding, TStatistics, TVisitor, TResult>(IFrameAllocator frames, TVisitor visitor)
        where TEncoding : struct, IHandleEncoding
        where TStatistics : unmanaged, ILockStatistics
        where TVisitor : IPoolVisitor<TResult>
    {
        using var pool = new EncodedPool<TEncoding, TStatistics>(frames);
        return Visit<EncodedPoolUnderTest<TEncoding, TStatistics>, TVisitor, TResult>(new EncodedPoolUnderTest<TEncoding, TStatistics>(pool), visitor);
    }

    private static TResult Visit<TPool, TVisitor, TResult>(TPool pool, TVisitor visitor)
        where TPool : struct, IPoolUnderTest
        where TVisitor : IPoolVisitor<TResult>
    {
        TResult result = visitor.Visit(pool);
        pool.Validate();
        return result;
    }

    private static ZsLockMode ModeOf(string variant) => variant switch
    {
        "per-class" => ZsLockMode.PerClass,
        "pool" => ZsLockMode.Pool,
        "pool-single-compactor" => ZsLockMode.PoolSingleCompactor,
        _ => throw new ArgumentException($"There is no pool called {variant}.", nameof(variant)),
    };
}
