using NativeMm.Primitives;

namespace NativeMm.Frames;

/// <summary>
/// Reportable frames of any allocator, by looking through the zone from its first frame to its last: what the lock-free allocator needs, whose
/// words say of each 2 MiB and each 64 KiB whether it is free and reported, and which has no lists to keep.
/// </summary>
/// <param name="frames">The allocator.</param>
internal sealed class ScannedFrames(IFrameAllocator frames) : IReportableFrames
{
    private Order _blocks;
    private Order _pieces;
    private Order _order;
    private uint _cursor;
    private uint _sideCursor;

    /// <inheritdoc/>
    public IFrameAllocator Frames => frames;

    /// <inheritdoc/>
    public Order SmallestRemembered { get; } = frames is LockFreeFrameAllocator ? LockFreeFrameAllocator.SmallestReported : Order.Zero;

    /// <inheritdoc/>
    public bool IsAtEnd { get; private set; } = true;

    /// <inheritdoc/>
    public FrameUse Sample()
    {
        if (frames is LockFreeFrameAllocator lockFree)
        {
            return lockFree.SampleUse();
        }

        FrameStatistics now = frames.GetStatistics();
        ulong known = now.AllocatedFrames + now.ReportedFrames;
        return new FrameUse(now.AllocatedFrames, now.ManagedFrames - Math.Min(now.ManagedFrames, known));
    }

    /// <inheritdoc/>
    public ulong CountFree(ulong enough) =>
        frames is LockFreeFrameAllocator lockFree ? lockFree.CountFree(enough) : frames.GetStatistics().FreeFrames;

    /// <inheritdoc/>
    public void Begin(Order blocks, Order pieces, bool restart)
    {
        if (restart || IsAtEnd || blocks != _blocks || pieces != _pieces)
        {
            _order = blocks;
            _cursor = 0;
            IsAtEnd = false;
        }

        _blocks = blocks;
        _pieces = pieces;
    }

    /// <inheritdoc/>
    public int Isolate(Span<FrameRange> ranges, ulong framesMax, ulong freeMax)
    {
        framesMax = Math.Min(framesMax, freeMax);
        if (!IsAtEnd && framesMax < _order.Frames)
        {
            // Too little for a block, so a few pieces on the side; the walk stays where it is.
            return IsolateAt(_pieces, ref _sideCursor, ranges, framesMax);
        }

        int count = 0;
        while (count == 0 && !IsAtEnd)
        {
            count = IsolateAt(_order, ref _cursor, ranges, framesMax);
            if (_cursor == 0)
            {
                // The zone is through at this order. The smaller pieces follow: those of blocks that are free as a whole are gone by now.
                IsAtEnd = _order == _pieces;
                _order = _pieces;
            }
        }

        return count;
    }

    /// <inheritdoc/>
    public void PutBack(ReadOnlySpan<FrameRange> ranges, FrameContent content)
    {
        Span<Pfn> blocks = stackalloc Pfn[ranges.Length];
        for (int i = 0; i < ranges.Length; i++)
        {
            blocks[i] = ranges[i].Frame;
        }

        if (!ranges.IsEmpty)
        {
            frames.PutBack(blocks, ranges[0].Order, content);
        }
    }

    private int IsolateAt(Order order, ref uint cursor, Span<FrameRange> ranges, ulong framesMax)
    {
        int wanted = (int)Math.Min((ulong)ranges.Length, framesMax / order.Frames);
        if (wanted == 0)
        {
            return 0;
        }

        Span<Pfn> found = stackalloc Pfn[wanted];
        int count = frames.Isolate(order, found, ref cursor);
        for (int i = 0; i < count; i++)
        {
            ranges[i] = new FrameRange(found[i], order, frames.Zone.BaseAddress + found[i].Offset);
        }

        return count;
    }
}
