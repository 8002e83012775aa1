// Purpose      finds blocks to report by a bitmap of what was freed, beside an allocator that knows nothing of it.
// States       one bit for each block of the reported order: set when something in it was freed since the reporter last looked at it.
// Transitions  0 → 1 by whoever frees, after the free [D1]; 1 → 0 by the reporter, before it looks at the block [D2]. A put back of blocks that
//              the device refused sets their bits again.
// Ownership    _bits   | whoever frees, the reporter | the reporter | atomic or, and | no lock
//              _cursor, counters | the reporter | anybody, counters | plain, release
// Ordering     [D1] is a full fence after the free, [D2] one before the look: when the reporter sees the block as not free, the free comes
//              later and so does its bit, which a later pass finds. So bits may be stale, and a free block without a bit was reported.
// Progress     lock-free, but for the allocator's own lock, which is taken once for each set bit: the hunt that the thread objected to.
// Source       the hinting series that the thread names as the alternative (kernel-facts: 1c.2): hint, check, isolate, report.

using System.Numerics;
using NativeMm.Frames;
using NativeMm.Primitives;

namespace NativeMm.Lab.Baselines.Reporting;

/// <summary>
/// Dirty bitmap: a free sets a bit; the reporter walks the bitmap, checks whether the block is still free, and isolates it. Allocating and
/// freeing are thread-safe; one reporter at a time. Reports blocks of one order only.
/// </summary>
internal sealed class DirtyBitmapFrames : WatchedFrames, IReportableFrames
{
    private const int WordShift = 6;

    private readonly IReportableFrames _counts;
    private readonly Order _order;
    private readonly ulong[] _bits;
    private uint _cursor;
    private long _lost;

    /// <summary>Makes the bitmap; nothing is dirty.</summary>
    /// <param name="behind">The allocator that does the work.</param>
    /// <param name="order">Size of the blocks that are reported.</param>
    public DirtyBitmapFrames(BuddyFrameAllocator behind, Order order)
        : base(behind)
    {
        _counts = ReportableFrames.For(behind, BuddyReportScheme.Rotation);
        _order = order;
        uint blocks = behind.Zone.FrameCount >> order.Value;
        _bits = new ulong[(blocks + (1u << WordShift) - 1) >> WordShift];
    }

    /// <inheritdoc/>
    public IFrameAllocator Frames => this;

    /// <inheritdoc/>
    public bool IsAtEnd { get; private set; } = true;

    /// <summary>Bits that led to a block which was not free as a whole any more, or not yet.</summary>
    public long Lost => Atomic.LoadAcquire(in _lost);

    /// <inheritdoc/>
    public FrameUse Sample() => _counts.Sample();

    /// <inheritdoc/>
    public ulong CountFree(ulong enough) => _counts.CountFree(enough);

    /// <inheritdoc/>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="pieces"/> is not the order of the bitmap.</exception>
    public void Begin(Order blocks, Order pieces, bool restart)
    {
        if (pieces != _order)
        {
            throw new ArgumentOutOfRangeException(nameof(pieces), pieces, $"The bitmap has blocks of order {_order}, not {pieces}.");
        }

        if (restart || IsAtEnd)
        {
            _cursor = 0;
            IsAtEnd = false;
        }
    }

    /// <inheritdoc/>
    public int Isolate(Span<FrameRange> ranges, ulong framesMax, ulong freeMax = ulong.MaxValue)
    {
        int wanted = (int)Math.Min((ulong)ranges.Length, Math.Min(framesMax, freeMax) / _order.Frames);
        int count = 0;
        while (count < wanted && TryNextDirty(out Pfn block))
        {
            if (IsFree(block) && TryIsolate(block))
            {
                ranges[count++] = new FrameRange(block, _order, Zone.BaseAddress + block.Offset);
            }
            else
            {
                Atomic.StoreRelease(ref _lost, _lost + 1);
            }
        }

        IsAtEnd = count < wanted;
        return count;
    }

    /// <inheritdoc/>
    public void PutBack(ReadOnlySpan<FrameRange> ranges, FrameContent content)
    {
        foreach (FrameRange range in ranges)
        {
            Behind.PutBack([range.Frame], range.Order, content);
            if (content == FrameContent.Unknown)
            {
                OnFreed(range.Frame, range.Order);
            }
        }
    }

    /// <inheritdoc/>
    protected override void OnFreed(Pfn frame, Order order)
    {
        // A block smaller than a bit dirties the whole that it lies in: the look at it shows whether that is free.
        uint first = frame.Value >> _order.Value;
        uint last = (frame.Value + order.Frames - 1) >> _order.Value;
        for (uint bit = first; bit <= last; bit++)
        {
            Atomic.Or(ref _bits[bit >> WordShift], 1UL << (int)(bit % (1u << WordShift))); // [D1]
        }
    }

    /// <summary>The next block with its bit set, which is cleared.</summary>
    private bool TryNextDirty(out Pfn block)
    {
        while (_cursor >> WordShift < _bits.Length)
        {
            uint at = _cursor >> WordShift;
            ulong word = Atomic.LoadAcquire(in _bits[at]) & (ulong.MaxValue << (int)(_cursor % (1u << WordShift)));
            if (word == 0)
            {
                _cursor = (at + 1) << WordShift;
                continue;
            }

            uint bit = (at << WordShift) + (uint)BitOperations.TrailingZeroCount(word);
            Atomic.And(ref _bits[at], ~(1UL << (int)(bit % (1u << WordShift)))); // [D2]
            _cursor = bit + 1;
            block = new Pfn(bit << _order.Value);
            return true;
        }

        block = Pfn.None;
        return false;
    }

    /// <summary>Whether a block seems to be free as a whole, by itself or inside a larger one.</summary>
    private bool IsFree(Pfn block)
    {
        for (int order = _order.Value; order <= Order.MaxValue; order++)
        {
            BuddyWord word = WordOf(new Pfn(block.Value & ~((1u << order) - 1)));
            if (word.IsFree(order))
            {
                return word.Content == FrameContent.Unknown;
            }
        }

        return false;
    }

    /// <summary>Isolates exactly this block. Between the look and the lock somebody may have taken it; then another may come in its place.</summary>
    private bool TryIsolate(Pfn block)
    {
        Pfn found = Pfn.None;
        uint cursor = block.Value;
        if (Behind.Isolate(_order, new Span<Pfn>(ref found), ref cursor) == 0)
        {
            return false;
        }

        if (found != block)
        {
            Behind.PutBack([found], _order, FrameContent.Unknown);
        }

        return found == block;
    }
}
