using NativeMm.Frames;
using Xunit;

namespace NativeMm.Tests.Unit.Frames;

/// <summary>How each implementation is made.</summary>
internal static class FrameVariants
{
    public static TheoryData<FrameVariant> All => [.. Enum.GetValues<FrameVariant>()];

    /// <summary>The allocator, and those behind it that it does not own.</summary>
    public static IFrameAllocator[] Create(FrameVariant variant, FrameZone zone)
    {
        switch (variant)
        {
            case FrameVariant.LockFree:
                return [new LockFreeFrameAllocator(zone)];
            case FrameVariant.LockFreeOneCore:
                return [new LockFreeFrameAllocator(zone, coreSlots: 1)];
            case FrameVariant.LockFreeCached:
                var behind = new LockFreeFrameAllocator(zone);
                return [new CachedFrameAllocator(behind), behind];
            case FrameVariant.Buddy:
                return [new BuddyFrameAllocator(zone)];
            case FrameVariant.BuddyUncached:
                return [new BuddyFrameAllocator(zone, perCorePages: false)];
            case FrameVariant.BuddyCached:
                var buddy = new BuddyFrameAllocator(zone);
                return [new CachedFrameAllocator(buddy), buddy];
            default:
                throw new ArgumentOutOfRangeException(nameof(variant));
        }
    }
}
