using NativeMm.Frames;
using NativeMm.Primitives;

namespace NativeMm.Lab.Experiments.Frames;

/// <summary>Calls <see cref="CachedFrameAllocator"/> directly.</summary>
internal readonly struct CachedFrames(CachedFrameAllocator allocator) : IFramesUnderTest
{
    /// <inheritdoc/>
    public IFrameAllocator Allocator => allocator;

    /// <inheritdoc/>
    public bool TryGet(Order order, out Pfn frame) => allocator.TryAllocate(order, FrameFlags.None, out frame, out _);

    /// <inheritdoc/>
    public void Put(Pfn frame, Order order) => allocator.Free(frame, order);
}
