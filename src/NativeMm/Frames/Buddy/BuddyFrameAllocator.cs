using NativeMm.Primitives;

namespace NativeMm.Frames;

/// <summary>
/// Linux's buddy allocator: free blocks by order and kind under one lock, split and merged with their buddies, and lists for each core in front.
/// Thread-safe; blocks on its lock. Chosen where allocation patterns of few threads and Linux's grouping by kind matter more than scaling.
/// </summary>
public sealed class BuddyFrameAllocator : IFrameAllocator, IFrameSource
{
    private readonly BuddyAllocator<NoLockStatistics> _buddy;

    /// <summary>Makes an allocator over all frames of a fresh zone.</summary>
    /// <param name="zone">The zone. It must outlive the allocator.</param>
    /// <param name="perCorePages">Whether cores keep small blocks (orders 0 to 3) for themselves.</param>
    /// <exception cref="OutOfMemoryException">The system refuses the memory for the bookkeeping.</exception>
    /// <exception cref="InvalidOperationException">The zone belongs to a runtime or a <c>VmapAllocator</c>, which has an allocator over it.</exception>
    /// <exception cref="ObjectDisposedException">The zone is disposed.</exception>
    public BuddyFrameAllocator(FrameZone zone, bool perCorePages = true) => _buddy = new BuddyAllocator<NoLockStatistics>(zone, perCorePages);

    /// <inheritdoc/>
    public FrameZone Zone => _buddy.Zone;

    /// <summary>Whom an allocation asks before it fails.</summary>
    internal ShrinkerList Shrinkers => _buddy.Shrinkers;

    /// <inheritdoc/>
    public bool TryAllocate(Order order, FrameFlags flags, out Pfn frame, out bool knownZero) =>
        _buddy.TryAllocate(order, flags, out frame, out knownZero);

    /// <inheritdoc/>
    public void Free(Pfn frame, Order order) => _buddy.Free(frame, order);

    /// <inheritdoc/>
    public bool TryAllocateExact(uint frames, FrameFlags flags, out Pfn first, out bool knownZero) =>
        _buddy.TryAllocateExact(frames, flags, out first, out knownZero);

    /// <inheritdoc/>
    public void FreeExact(Pfn first, uint frames) => _buddy.FreeExact(first, frames);

    /// <inheritdoc/>
    public int AllocateBulk(Order order, FrameFlags flags, Span<Pfn> frames) => _buddy.AllocateBulk(order, flags, frames);

    /// <inheritdoc/>
    public void FreeBulk(ReadOnlySpan<Pfn> frames, Order order) => _buddy.FreeBulk(frames, order);

    /// <inheritdoc/>
    public int Isolate(Order order, Span<Pfn> blocks, ref uint cursor) => _buddy.Isolate(order, blocks, ref cursor);

    /// <inheritdoc/>
    public void PutBack(ReadOnlySpan<Pfn> blocks, Order order, FrameContent content) => _buddy.PutBack(blocks, order, content);

    /// <inheritdoc/>
    IReportableFrames IFrameSource.Reportable(IFrameAllocator surface, BuddyReportScheme scheme) => _buddy.Reportable(surface, scheme);

    /// <inheritdoc/>
    IsolationMark IFrameSource.ReadIsolation() => _buddy.ReadIsolation();

    /// <inheritdoc/>
    ulong IFrameSource.CountFreeFrames() => _buddy.CountFreeFrames();

    /// <inheritdoc/>
    ulong IFrameSource.DrainIdle() => _buddy.DrainIdle();

    /// <inheritdoc/>
    bool IFrameSource.CanSplit => _buddy.CanSplit;

    /// <inheritdoc/>
    void IFrameSource.Split(Pfn block) => _buddy.Split(block);

    /// <inheritdoc/>
    public ulong Drain() => _buddy.Drain();

    /// <inheritdoc/>
    public void AddShrinker(IShrinker shrinker) => _buddy.AddShrinker(shrinker);

    /// <inheritdoc/>
    public void RemoveShrinker(IShrinker shrinker) => _buddy.RemoveShrinker(shrinker);

    /// <inheritdoc/>
    public FrameStatistics GetStatistics() => _buddy.GetStatistics();

    /// <inheritdoc/>
    public void Validate() => _buddy.Validate();

    /// <summary>Gives the bookkeeping back. The zone stays. Of a runtime both go with that: this does nothing to its allocator.</summary>
    public void Dispose() => _buddy.Dispose();
}
