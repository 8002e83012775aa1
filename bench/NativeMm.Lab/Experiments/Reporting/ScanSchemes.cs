using NativeMm.Frames;
using NativeMm.Lab.Baselines.Reporting;
using NativeMm.Primitives;

namespace NativeMm.Lab.Experiments.Reporting;

/// <summary>The ways of finding blocks to report that the lab compares, and how each is made over a fresh zone.</summary>
internal static class ScanSchemes
{
    /// <summary>Makes a scheme. Disposing its allocator frees everything.</summary>
    /// <param name="variant">Name of one of <see cref="ReportingVariants.Scan"/>, but not <c>hint</c>, which finds nothing.</param>
    /// <param name="zone">The zone.</param>
    /// <param name="order">Size of the blocks that will be reported.</param>
    /// <param name="perCorePages">Whether a buddy allocator's cores keep small blocks, which no scheme sees.</param>
    public static IReportableFrames Create(string variant, FrameZone zone, Order order, bool perCorePages = true) => variant switch
    {
        "bits" => ReportableFrames.For(new LockFreeFrameAllocator(zone), BuddyReportScheme.Rotation),
        "boundary" => ReportableFrames.For(new BuddyFrameAllocator(zone, perCorePages), BuddyReportScheme.Boundary),
        "rotation" => ReportableFrames.For(new BuddyFrameAllocator(zone, perCorePages), BuddyReportScheme.Rotation),
        "rescan" => new RescanFrames(new BuddyAllocator<NoLockStatistics>(zone, perCorePages)),
        "bitmap" => new DirtyBitmapFrames(new BuddyFrameAllocator(zone, perCorePages), order),
        _ => throw new ArgumentException($"There is no scheme called {variant}.", nameof(variant)),
    };
}
