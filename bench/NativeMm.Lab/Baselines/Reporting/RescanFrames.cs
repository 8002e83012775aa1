using NativeMm.Frames;
using NativeMm.Primitives;

namespace NativeMm.Lab.Baselines.Reporting;

/// <summary>
/// Full rescan: nothing is remembered between two batches but what the blocks say of themselves, so each batch goes past everything that
/// was reported before it: the work grows with the square of the number of blocks. Largest blocks first, so that a block is never found in
/// pieces whose marks the merge of their put back would take away again. One caller at a time.
/// </summary>
/// <param name="frames">The allocator.</param>
internal sealed class RescanFrames(BuddyFrameAllocator frames) : IReportableFrames
{
    private readonly IReportableFrames _counts = ReportableFrames.For(frames, BuddyReportScheme.Rotation);
    private int _order = -1; // the order of the walk; below _pieces when it is at its end
    private int _pieces;

    /// <inheritdoc/>
    public IFrameAllocator Frames => frames;

    /// <inheritdoc/>
    public Order SmallestRemembered => Order.Zero;

    /// <inheritdoc/>
    public bool IsAtEnd => _order < _pieces;

    /// <inheritdoc/>
    public FrameUse Sample() => _counts.Sample();

    /// <inheritdoc/>
    public bool HasFree(ulong wanted) => _counts.HasFree(wanted);

    /// <inheritdoc/>
    public void Begin(Order blocks, Order pieces, bool restart)
    {
        if (restart || IsAtEnd || pieces.Value != _pieces)
        {
            _order = Order.MaxValue;
        }

        _pieces = pieces.Value;
    }

    /// <inheritdoc/>
    public int Isolate(Span<FrameRange> ranges, ulong framesMax)
    {
        Span<Pfn> found = stackalloc Pfn[ranges.Length];
        for (; !IsAtEnd; _order--)
        {
            var order = new Order(_order);
            int wanted = (int)Math.Min((ulong)ranges.Length, framesMax / order.Frames);
            uint fromTheStart = 0;
            int count = frames.Isolate(order, found[..wanted], ref fromTheStart);
            for (int i = 0; i < count; i++)
            {
                ranges[i] = new FrameRange(found[i], order, frames.Zone.BaseAddress + found[i].Offset);
            }

            if (count != 0 || wanted == 0)
            {
                return count;
            }
        }

        return 0;
    }

    /// <inheritdoc/>
    public void PutBack(ReadOnlySpan<FrameRange> ranges, FrameContent content)
    {
        foreach (FrameRange range in ranges)
        {
            frames.PutBack([range.Frame], range.Order, content);
        }
    }
}
