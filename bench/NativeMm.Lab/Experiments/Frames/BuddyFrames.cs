using NativeMm.Frames;
using NativeMm.Primitives;

namespace NativeMm.Lab.Experiments.Frames;

/// <summary>Calls <see cref="BuddyAllocator{TStatistics}"/> directly, with or without a lock that keeps an account of itself.</summary>
internal readonly struct BuddyFrames<TStatistics>(BuddyAllocator<TStatistics> allocator) : IFramesUnderTest
    where TStatistics : unmanaged, ILockStatistics
{
    /// <inheritdoc/>
    public IFrameAllocator Allocator => allocator;

    /// <inheritdoc/>
    public bool TryGet(Order order, out Pfn frame) => allocator.TryAllocate(order, FrameFlags.None, out frame, out _);

    /// <inheritdoc/>
    public void Put(Pfn frame, Order order) => allocator.Free(frame, order);
}
