using NativeMm.Primitives;

namespace NativeMm.Frames;

/// <summary>
/// Reportable frames by looking through the zone from its first frame to its last, for allocators that have no lists to keep. Once for the
/// blocks, then for the smaller pieces.
/// </summary>
/// <param name="surface">Whom the reporter sees as the allocator.</param>
internal abstract class ScannedFrames(IFrameAllocator surface) : IReportableFrames
{
    private Order _blocks;
    private Order _pieces;
    private Order _order;
    private uint _cursor;
    private uint _sideCursor;

    /// <inheritdoc/>
    public IFrameAllocator Frames => surface;

    /// <inheritdoc/>
    public abstract Order SmallestRemembered { get; }

    /// <inheritdoc/>
    public bool IsAtEnd { get; private set; } = true;

    /// <inheritdoc/>
    public abstract FrameUse Sample();

    /// <inheritdoc/>
    public abstract ulong CountFree(ulong enough);

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
        int count = 0;
        bool isThrough = true;
        while (count == 0 && isThrough && !IsAtEnd)
        {
            count = IsolateAt(new FrameScan(_order, _order, framesMax, freeMax), ranges, ref _cursor, out isThrough);
            if (isThrough)
            {
                // The zone is through at this order. The smaller pieces follow: those of blocks that are free as a whole are gone by now.
                IsAtEnd = _order == _pieces;
                _order = _pieces;
            }
        }

        // Too little for the next block, so a few pieces on the side, but none of blocks that wait to be told of as a whole: they would be told
        // of twice, and lose their huge page. The walk stays where it is.
        return count == 0 && !isThrough && _order != _pieces
            ? IsolateAt(new FrameScan(_pieces, _blocks, framesMax, freeMax), ranges, ref _sideCursor, out _)
            : count;
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
            surface.PutBack(blocks, ranges[0].Order, content);
        }
    }

    /// <summary>Isolates the next blocks of one order.</summary>
    /// <param name="scan">What to look for.</param>
    /// <param name="ranges">Where they go.</param>
    /// <param name="cursor">Where to go on in the zone; 0 again when the end was reached.</param>
    /// <param name="isThrough">Whether the end was reached; otherwise the span is full, or the next block holds too much.</param>
    /// <returns>How many blocks it took.</returns>
    protected abstract int IsolateAt(FrameScan scan, Span<FrameRange> ranges, ref uint cursor, out bool isThrough);
}
