using NativeMm.Frames;
using Xunit;

namespace NativeMm.Tests.Unit.Frames;

/// <summary>How each implementation is made.</summary>
internal static class FrameVariants
{
    public static TheoryData<FrameVariant> All => [.. Enum.GetValues<FrameVariant>()];

    /// <summary>The allocator, and those behind it that it does not own.</summary>
    public static IFrameAllocator[] Create(FrameVariant variant, FrameZone zone) => Create(variant, zone, []);

    /// <summary>The same; what is made so far is known even when making the next one fails, front last.</summary>
    public static IFrameAllocator[] Create(FrameVariant variant, FrameZone zone, List<IFrameAllocator> made)
    {
        made.Add(variant switch
        {
            FrameVariant.LockFree or FrameVariant.LockFreeCached => new LockFreeFrameAllocator(zone),
            FrameVariant.LockFreeOneCore => new LockFreeFrameAllocator(zone, coreSlots: 1),
            FrameVariant.Buddy or FrameVariant.BuddyCached => new BuddyFrameAllocator(zone),
            FrameVariant.BuddyUncached => new BuddyFrameAllocator(zone, perCorePages: false),
            _ => throw new ArgumentOutOfRangeException(nameof(variant)),
        });
        if (variant is FrameVariant.LockFreeCached or FrameVariant.BuddyCached)
        {
            made.Add(new CachedFrameAllocator(made[0]));
        }

        return [.. made.AsEnumerable().Reverse()];
    }
}
