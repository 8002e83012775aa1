using NativeMm.Frames;
using NativeMm.Lab.Experiments.Frames;
using NativeMm.Primitives;

namespace NativeMm.Tests.Unit.Lab;

/// <summary>Hands out single frames, the lowest free one or any one.</summary>
internal readonly struct ChoosingFrames(ChoosingFrameAllocator allocator) : IFramesUnderTest
{
    public IFrameAllocator Allocator => allocator;

    public bool TryGet(Order order, out Pfn frame) => allocator.TryAllocate(order, FrameFlags.None, out frame, out _);

    public void Put(Pfn frame, Order order) => allocator.Free(frame, order);
}
