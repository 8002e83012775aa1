using System.Numerics;
using NativeMm.Primitives;

namespace NativeMm.Frames;

/// <summary>Reportable frames of a buddy allocator: its free lists, largest blocks first, whole blocks as they are on the lists.</summary>
/// <typeparam name="TStatistics">What the zone lock records.</typeparam>
/// <param name="buddy">Whose lists.</param>
/// <param name="surface">Whom the reporter sees as the allocator.</param>
/// <param name="scheme">How the lists keep track of what was reported.</param>
internal sealed class BuddyReportableFrames<TStatistics>(BuddyAllocator<TStatistics> buddy, IFrameAllocator surface, BuddyReportScheme scheme)
    : IReportableFrames
    where TStatistics : unmanaged, ILockStatistics
{
    private BuddyWalk _walk;
    private BuddyWalk _sideWalk;
    private Order _smallest;

    /// <inheritdoc/>
    public IFrameAllocator Frames => surface;

    /// <inheritdoc/>
    public bool IsAtEnd { get; private set; } = true;

    /// <inheritdoc/>
    public FrameUse Sample() => buddy.SampleUse();

    /// <inheritdoc/>
    public ulong CountFree(ulong enough) => buddy.CountFreeFrames();

    /// <inheritdoc/>
    /// <remarks>The lists go from large to small by themselves, so only the smaller of the two orders matters.</remarks>
    public void Begin(Order blocks, Order pieces, bool restart)
    {
        if (restart || IsAtEnd || pieces != _smallest)
        {
            _walk = new BuddyWalk(Order.MaxValue);
            _smallest = pieces;
            IsAtEnd = false;
        }
        else
        {
            // What others did to the list since then is seen by counting it again; what was looked at is at its tail.
            _walk.Remaining = -1;
        }

        _sideWalk = new BuddyWalk(Order.MaxValue);
        buddy.BeginWalk(scheme);
    }

    /// <inheritdoc/>
    public int Isolate(Span<FrameRange> ranges, ulong framesMax, ulong freeMax)
    {
        framesMax = Math.Min(framesMax, freeMax);
        if (IsAtEnd)
        {
            return 0;
        }

        int count = buddy.IsolateListed(ref _walk, scheme, _smallest.Value, ranges, framesMax, out bool isAtEnd);
        if (isAtEnd && count == 0)
        {
            buddy.EndWalk();
            IsAtEnd = true;
        }
        else if (count == 0 && framesMax != 0)
        {
            // Too little for the next block, so a few smaller ones on the side, of orders that fit. The walk stays where it is.
            int largest = BitOperations.Log2(framesMax);
            _sideWalk = _sideWalk.Order > largest ? new BuddyWalk(largest) : _sideWalk;
            count = buddy.IsolateListed(ref _sideWalk, scheme, _smallest.Value, ranges, framesMax, out _);
        }

        return count;
    }

    /// <inheritdoc/>
    public void PutBack(ReadOnlySpan<FrameRange> ranges, FrameContent content) => buddy.PutBack(ranges, content);
}
