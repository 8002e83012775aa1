using NativeMm.Frames;
using NativeMm.Primitives;

namespace NativeMm.Lab.Baselines.Reporting;

/// <summary>A buddy allocator whose frees somebody watches. Everything else goes straight through. As thread-safe as the allocator behind.</summary>
/// <param name="behind">The allocator that does the work. It is disposed with this one.</param>
internal abstract class WatchedFrames(BuddyFrameAllocator behind) : IFrameAllocator
{
    /// <inheritdoc/>
    public FrameZone Zone => behind.Zone;

    /// <summary>The allocator that does the work.</summary>
    protected BuddyFrameAllocator Behind => behind;

    /// <inheritdoc/>
    public bool TryAllocate(Order order, FrameFlags flags, out Pfn frame, out bool knownZero) =>
        behind.TryAllocate(order, flags, out frame, out knownZero);

    /// <inheritdoc/>
    public void Free(Pfn frame, Order order)
    {
        OnFreeing(frame, order);
        behind.Free(frame, order);
        OnFreed(frame, order);
    }

    /// <inheritdoc/>
    public int AllocateBulk(Order order, FrameFlags flags, Span<Pfn> frames) => behind.AllocateBulk(order, flags, frames);

    /// <inheritdoc/>
    public void FreeBulk(ReadOnlySpan<Pfn> frames, Order order)
    {
        foreach (Pfn frame in frames)
        {
            OnFreeing(frame, order);
        }

        behind.FreeBulk(frames, order);
        foreach (Pfn frame in frames)
        {
            OnFreed(frame, order);
        }
    }

    /// <inheritdoc/>
    public int Isolate(Order order, Span<Pfn> blocks, ref uint cursor) => behind.Isolate(order, blocks, ref cursor);

    /// <inheritdoc/>
    public void PutBack(ReadOnlySpan<Pfn> blocks, Order order, FrameContent content) => behind.PutBack(blocks, order, content);

    /// <inheritdoc/>
    public ulong Drain() => behind.Drain();

    /// <inheritdoc/>
    public void AddShrinker(IShrinker shrinker) => behind.AddShrinker(shrinker);

    /// <inheritdoc/>
    public void RemoveShrinker(IShrinker shrinker) => behind.RemoveShrinker(shrinker);

    /// <inheritdoc/>
    public FrameStatistics GetStatistics() => behind.GetStatistics();

    /// <inheritdoc/>
    public void Validate() => behind.Validate();

    /// <inheritdoc/>
    public void Dispose() => behind.Dispose();

    /// <summary>What the allocator knows of the block that begins at a frame. A hint: others may change it at any moment.</summary>
    protected BuddyWord WordOf(Pfn frame) => new(Atomic.LoadAcquire(ref Zone.Descriptor(frame).Block));

    /// <summary>Called for each block before it is free: it still belongs to the caller, if he is right.</summary>
    protected virtual void OnFreeing(Pfn frame, Order order)
    {
    }

    /// <summary>Called for each block after it was freed: anybody may have it by now.</summary>
    protected virtual void OnFreed(Pfn frame, Order order)
    {
    }
}
