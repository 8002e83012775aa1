using NativeMm.Primitives;

namespace NativeMm.Frames;

/// <summary>
/// Reportable frames by looking through the zone from its first frame to its last, for allocators that have no lists to keep. Once for the
/// blocks, then for the smaller pieces, and last for what has to be swept.
/// </summary>
/// <param name="surface">Whom the reporter sees as the allocator.</param>
internal abstract class ScannedFrames(IFrameAllocator surface) : IReportableFrames
{
    private Order _blocks;
    private Order _pieces;
    private Order _order;
    private bool _isSweeping;
    private uint _cursor;
    private uint _sideCursor;

    /// <inheritdoc/>
    public IFrameAllocator Frames => surface;

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
            _order = Scanned(blocks);
            _isSweeping = false;
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
            var scan = new FrameScan(_isSweeping ? _pieces : _order, _order, framesMax, freeMax);
            count = _isSweeping ? Sweep(scan, ranges, ref _cursor, out isThrough) : IsolateAt(scan, ranges, ref _cursor, out isThrough);
            if (isThrough)
            {
                MoveOn();
            }
        }

        // Too little for the next block, so a few pieces on the side, but none of blocks that wait to be told of as a whole: they would be told
        // of twice, and lose their huge page. The walk stays where it is.
        return count == 0 && !isThrough && _order != Scanned(_pieces)
            ? IsolateAt(new FrameScan(Scanned(_pieces), Scanned(_blocks), framesMax, freeMax), ranges, ref _sideCursor, out _)
            : count;
    }

    /// <inheritdoc/>
    public virtual void PutBack(ReadOnlySpan<FrameRange> ranges, FrameContent content)
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

    /// <summary>Smaller pieces than these are not looked for block by block, but swept.</summary>
    protected virtual Order SmallestScanned => Order.Zero;

    /// <summary>Isolates the next pieces below <see cref="SmallestScanned"/>, of several orders. Only called if there are such orders.</summary>
    /// <inheritdoc cref="IsolateAt"/>
    protected virtual int Sweep(FrameScan scan, Span<FrameRange> ranges, ref uint cursor, out bool isThrough)
    {
        isThrough = true;
        return 0;
    }

    /// <summary>Isolates the next blocks of one order.</summary>
    /// <param name="scan">What to look for.</param>
    /// <param name="ranges">Where they go.</param>
    /// <param name="cursor">Where to go on in the zone; 0 again when the end was reached.</param>
    /// <param name="isThrough">Whether the end was reached; otherwise the span is full, or the next block holds too much.</param>
    /// <returns>How many blocks it took.</returns>
    protected abstract int IsolateAt(FrameScan scan, Span<FrameRange> ranges, ref uint cursor, out bool isThrough);

    private Order Scanned(Order order) => order > SmallestScanned ? order : SmallestScanned;

    /// <summary>
    /// The zone is through at this order. The smaller pieces follow: those of blocks that are free as a whole are gone by now.
    /// </summary>
    private void MoveOn()
    {
        if (_order != Scanned(_pieces))
        {
            _order = Scanned(_pieces);
        }
        else if (_pieces < SmallestScanned && !_isSweeping)
        {
            _isSweeping = true;
        }
        else
        {
            IsAtEnd = true;
        }
    }
}
