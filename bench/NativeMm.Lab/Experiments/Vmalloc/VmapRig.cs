using NativeMm.Platform;
using NativeMm.Vmap;

namespace NativeMm.Lab.Experiments.Vmalloc;

/// <summary>A <see cref="VmapAllocator"/> that is watched from outside: every hold of its free space's lock, the freed pages, every purge.</summary>
internal sealed class VmapRig : IDisposable
{
    private readonly long _lazyPagesBound;
    private ObservedFreeSpace? _freeSpace;
    private OutstandingPages? _outstanding;

    /// <summary>Makes the allocator of a variant.</summary>
    /// <param name="variant">Its name.</param>
    /// <param name="options">What the test asks for; the variant makes its own of it.</param>
    /// <param name="platform">Who maps.</param>
    /// <param name="lazyPagesBound">Freed pages that may be outstanding at any moment.</param>
    public VmapRig(string variant, VmapOptions options, IMemoryPlatform platform, long lazyPagesBound)
    {
        _lazyPagesBound = lazyPagesBound;
        Allocator = new VmapAllocator(
            VmallocVariants.Shape(variant, options),
            platform,
            geometry => _freeSpace = new ObservedFreeSpace(geometry, CountOf(geometry), Clock),
            geometry => new ObservedLazySet(VmallocVariants.MakeLazySet(variant, geometry), CountOf(geometry), Clock));
    }

    /// <summary>The allocator.</summary>
    public VmapAllocator Allocator { get; }

    /// <summary>How long purges take.</summary>
    public PurgeClock Clock { get; } = new();

    /// <summary>The free space.</summary>
    public ObservedFreeSpace FreeSpace => _freeSpace!;

    /// <summary>The freed pages that are not free space yet.</summary>
    public OutstandingPages Outstanding => _outstanding!;

    /// <summary>Forgets what was seen so far. Call it at rest.</summary>
    public void Forget()
    {
        FreeSpace.ForgetHolds();
        Outstanding.Forget();
        Clock.Reset();
    }

    /// <inheritdoc/>
    public void Dispose() => Allocator.Dispose();

    private OutstandingPages CountOf(FreeSpaceGeometry geometry) => _outstanding ??= new OutstandingPages(geometry.Pages, _lazyPagesBound);
}
