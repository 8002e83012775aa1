using NativeMm.Frames;

namespace NativeMm.Tests.Unit.Reporting;

/// <summary>What each way of finding free blocks is made of.</summary>
internal static class ReporterVariants
{
    /// <summary>Whether the allocator at the bottom is the lock-free one.</summary>
    public static bool IsLockFree(this ReporterVariant variant) => variant is ReporterVariant.LockFree or ReporterVariant.LockFreeCached;

    /// <summary>Whether there is a cache in front, so that freed single frames rest in it.</summary>
    public static bool IsCached(this ReporterVariant variant) => variant is ReporterVariant.LockFreeCached or ReporterVariant.BoundaryCached;

    public static BuddyReportScheme Scheme(this ReporterVariant variant) =>
        variant is ReporterVariant.Boundary or ReporterVariant.BoundaryCached ? BuddyReportScheme.Boundary : BuddyReportScheme.Rotation;

    /// <summary>The allocator, and the one behind it if it is a cache. What one thread does is repeatable.</summary>
    public static IFrameAllocator[] Create(this ReporterVariant variant, FrameZone zone)
    {
        IFrameAllocator last = variant.IsLockFree() ? new LockFreeFrameAllocator(zone, coreSlots: 1) : new BuddyFrameAllocator(zone, perCorePages: false);
        return variant.IsCached() ? [new CachedFrameAllocator(last), last] : [last];
    }
}
