using NativeMm.Frames;
using NativeMm.Primitives;

namespace NativeMm.Lab.Baselines.Reporting;

/// <summary>
/// Full rescan: the boundary scheme without what it remembers. Each batch begins at the end of its list again and goes past everything that
/// was reported before it, so the work grows with the square of the number of blocks. Otherwise the same code. One caller at a time.
/// </summary>
/// <param name="buddy">The allocator.</param>
internal sealed class RescanFrames(BuddyAllocator<NoLockStatistics> buddy) : IReportableFrames
{
    private readonly IReportableFrames _lists = buddy.Reportable(buddy, BuddyReportScheme.Boundary);
    private Order _blocks;
    private Order _pieces;

    /// <inheritdoc/>
    public IFrameAllocator Frames => buddy;

    /// <inheritdoc/>
    public bool IsAtEnd => _lists.IsAtEnd;

    /// <inheritdoc/>
    public FrameUse Sample() => _lists.Sample();

    /// <inheritdoc/>
    public ulong CountFree(ulong enough) => _lists.CountFree(enough);

    /// <inheritdoc/>
    public void Begin(Order blocks, Order pieces, bool restart)
    {
        _blocks = blocks;
        _pieces = pieces;
        _lists.Begin(blocks, pieces, restart);
    }

    /// <inheritdoc/>
    public int Isolate(Span<FrameRange> ranges, ulong framesMax, ulong freeMax)
    {
        if (IsAtEnd)
        {
            return 0;
        }

        // The boundaries go; the walk stays at the list that it is at.
        buddy.EndWalk();
        _lists.Begin(_blocks, _pieces, restart: false);
        return _lists.Isolate(ranges, framesMax, freeMax);
    }

    /// <inheritdoc/>
    public void PutBack(ReadOnlySpan<FrameRange> ranges, FrameContent content) => _lists.PutBack(ranges, content);
}
