using NativeMm.Diagnostics;
using NativeMm.Frames;
using NativeMm.Primitives;

namespace NativeMm.Lab.Experiments.Frames;

/// <summary>The frame allocators that the lab compares, and how each is made.</summary>
internal static class FrameAllocators
{
    /// <summary>The default.</summary>
    public static readonly Variant LockFree = new("lockfree", "bitmaps and state words, reservations for each core") { IsOurs = true };

    /// <summary>The default with stacks in front.</summary>
    public static readonly Variant LockFreeCached = new("lockfree-cached", "lockfree with a stack of single frames for each thread in front") { IsOurs = true };

    /// <summary>Linux's design.</summary>
    public static readonly Variant Buddy = new("buddy", "Linux's buddy allocator with lists for each core") { IsOurs = true };

    /// <summary>Linux's design without its lists for each core.</summary>
    public static readonly Variant BuddyUncached = new("buddy-uncached", "the buddy allocator alone, one lock for the zone") { IsOurs = true };

    /// <summary>What the machine can do.</summary>
    public static readonly Variant Ideal = new("ideal", "no frames: six compare-and-swaps on lines of the thread's own; pattern repeat only") { IsYardstick = true };

    /// <summary>All of them.</summary>
    public static IReadOnlyList<Variant> All { get; } = [LockFree, LockFreeCached, Buddy, BuddyUncached, Ideal];

    /// <summary>Whether a variant's zone has a lock that can keep an account of itself.</summary>
    public static bool HasZoneLock(string variant) => variant == Buddy.Name || variant == BuddyUncached.Name;

    /// <summary>Makes a buddy allocator whose zone lock keeps an account of itself.</summary>
    public static BuddyAllocator<LockStatistics> MakeAccounting(string variant, FrameZone zone) => new(zone, perCorePages: variant == Buddy.Name);

    /// <summary>Makes a variant's allocator over a fresh zone and brings it together with a visitor.</summary>
    public static TResult Accept<TVisitor, TResult>(string variant, FrameZone zone, TVisitor visitor)
        where TVisitor : IFramesVisitor<TResult>
    {
        switch (variant)
        {
            case "lockfree":
                using (var allocator = new LockFreeFrameAllocator(zone))
                {
                    return visitor.Visit(new LockFreeFrames(allocator));
                }

            case "lockfree-cached":
                using (var behind = new LockFreeFrameAllocator(zone))
                using (var allocator = new CachedFrameAllocator(behind))
                {
                    return visitor.Visit(new CachedFrames(allocator));
                }

            case "buddy":
            case "buddy-uncached":
                using (var allocator = new BuddyAllocator<NoLockStatistics>(zone, perCorePages: variant == Buddy.Name))
                {
                    return visitor.Visit(new BuddyFrames<NoLockStatistics>(allocator));
                }

            case "ideal":
                using (var allocator = new LockFreeFrameAllocator(zone))
                {
                    return visitor.Visit(new IdealFrames(allocator));
                }

            default:
                throw new ArgumentException($"There is no frame allocator called {variant}.", nameof(variant));
        }
    }
}
