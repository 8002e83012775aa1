using NativeMm.Frames;
using NativeMm.Primitives;

namespace NativeMm.Tests.Unit.Frames;

/// <summary>An allocator in front of another one that tells a test of single frames that it gave in bulk, and of those that it refused.</summary>
internal sealed class ParkedFrames(IFrameAllocator behind) : IFrameAllocator
{
    /// <summary>Called after a bulk call took frames, before its caller gets them.</summary>
    public Action? Taken { get; set; }

    /// <summary>Called after a frame was refused.</summary>
    public Action? Refused { get; set; }

    public FrameZone Zone => behind.Zone;

    public bool TryAllocate(Order order, FrameFlags flags, out Pfn frame, out bool knownZero)
    {
        bool found = behind.TryAllocate(order, flags, out frame, out knownZero);
        if (!found)
        {
            Refused?.Invoke();
        }

        return found;
    }

    public int AllocateBulk(Order order, FrameFlags flags, Span<Pfn> frames)
    {
        int count = behind.AllocateBulk(order, flags, frames);
        Taken?.Invoke();
        return count;
    }

    public void Free(Pfn frame, Order order) => behind.Free(frame, order);

    public void FreeBulk(ReadOnlySpan<Pfn> frames, Order order) => behind.FreeBulk(frames, order);

    public int Isolate(Order order, Span<Pfn> blocks, ref uint cursor) => behind.Isolate(order, blocks, ref cursor);

    public void PutBack(ReadOnlySpan<Pfn> blocks, Order order, FrameContent content) => behind.PutBack(blocks, order, content);

    public ulong Drain() => behind.Drain();

    public void AddShrinker(IShrinker shrinker) => behind.AddShrinker(shrinker);

    public void RemoveShrinker(IShrinker shrinker) => behind.RemoveShrinker(shrinker);

    public FrameStatistics GetStatistics() => behind.GetStatistics();

    public void Validate() => behind.Validate();

    public void Dispose()
    {
        // The fixture disposes of the allocator behind.
    }
}
