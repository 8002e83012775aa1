using NativeMm.Frames;

namespace NativeMm.Lab.Experiments.Frames;

/// <summary>The frame allocators that the lab compares, and how each is made.</summary>
internal static class FrameAllocators
{
    /// <summary>The default.</summary>
    public static readonly Variant LockFree = new("lockfree", "bitmaps and state words, reservations for each core") { IsOurs = true };

    /// <summary>The default with stacks in front.</summary>
    public static readonly Variant LockFreeCached = new("lockfree-cached", "lockfree with a stack of single frames for each thread in front") { IsOurs = true };

    /// <summary>All of them.</summary>
    public static IReadOnlyList<Variant> All { get; } = [LockFree, LockFreeCached];

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

            default:
                throw new ArgumentException($"There is no frame allocator called {variant}.", nameof(variant));
        }
    }
}
