using NativeMm.Platform;
using NativeMm.Vmap;

namespace NativeMm.Lab.Experiments.Vmalloc;

/// <summary>A <see cref="VmapAllocator"/> that is watched from outside: every hold of its free space's lock, the pages that wait, every purge.</summary>
internal sealed class VmapRig : IDisposable
{
    private ObservedFreeSpace? _freeSpace;
    private ObservedLazySet? _lazySet;

    /// <summary>Makes the allocator of a variant.</summary>
    /// <param name="variant">Its name.</param>
    /// <param name="options">What the test asks for; the variant makes its own of it.</param>
    /// <param name="platform">Who maps.</param>
    /// <param name="lazyPagesBound">Freed pages that may wait at any moment.</param>
    public VmapRig(string variant, VmapOptions options, IMemoryPlatform platform, long lazyPagesBound)
    {
        Allocator = new VmapAllocator(
            VmallocVariants.Shape(variant, options),
            platform,
            geometry => _freeSpace = new ObservedFreeSpace(geometry, Clock),
            geometry => _lazySet = new ObservedLazySet(VmallocVariants.MakeLazySet(variant, geometry), lazyPagesBound, Clock));
    }

    /// <summary>The allocator.</summary>
    public VmapAllocator Allocator { get; }

    /// <summary>How long purges take.</summary>
    public PurgeClock Clock { get; } = new();

    /// <summary>The free space.</summary>
    public ObservedFreeSpace FreeSpace => _freeSpace!;

    /// <summary>The ranges that wait.</summary>
    public ObservedLazySet LazySet => _lazySet!;

    /// <summary>Forgets what was seen so far. Call it at rest.</summary>
    public void Forget()
    {
        FreeSpace.ForgetHolds();
        LazySet.ForgetPeak();
        Clock.Reset();
    }

    /// <inheritdoc/>
    public void Dispose() => Allocator.Dispose();
}
