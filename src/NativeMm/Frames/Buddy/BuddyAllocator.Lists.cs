using NativeMm.Diagnostics;
using NativeMm.Primitives;

namespace NativeMm.Frames;

/// <content>Splitting and merging. Everything here runs under the zone's lock.</content>
internal sealed unsafe partial class BuddyAllocator<TStatistics>
{
    private BlockKind KindOf(Pfn frame) => (BlockKind)_kinds[frame.Value >> BlockOrder];

    private void SetKind(Pfn frame, BlockKind kind) => _kinds[frame.Value >> BlockOrder] = (byte)kind;

    /// <summary>First frame of the block that a frame below the frontier lies in.</summary>
    private Pfn HeadOf(Pfn frame)
    {
        for (int order = 0; order < Order.Count; order++)
        {
            var head = new Pfn(frame.Value & ~((1u << order) - 1));
            BuddyWord word = WordOf(head);
            if (word.State != BlockState.None && frame.Value - head.Value < 1u << word.Order)
            {
                return head;
            }
        }

        throw new InvariantViolationException($"Frame {frame} belongs to no block.");
    }

    /// <summary>Puts a free block on its list.</summary>
    /// <param name="frame">First frame.</param>
    /// <param name="order">Order.</param>
    /// <param name="kind">Kind of the list.</param>
    /// <param name="content">What is known of the pages.</param>
    /// <param name="toTail">Whether it goes to the end of the list.</param>
    /// <param name="held">Frames of it that were handed out since they were last reported.</param>
    private void Insert(Pfn frame, int order, BlockKind kind, FrameContent content, bool toTail, uint held)
    {
        Invariant.Assert(_lock.IsHeld, $"Block {frame} is listed without the lock.");
        Invariant.Assert(order is >= 0 and <= Order.MaxValue && (frame.Value & ((1u << order) - 1)) == 0, $"A block of order {order} does not begin at frame {frame}.");
        Invariant.Assert(frame.Value + (1u << order) <= _lists->Frontier, $"Block {frame} of order {order} ends behind the frontier.");
        Invariant.Assert(WordOf(frame).State == BlockState.None, $"Frame {frame} is listed and begins a block already.");
        Invariant.Assert(held <= 1u << order && (held == 0 || content == FrameContent.Unknown), $"{held} frames of the {content} block {frame} of order {order} are held.");
        Invariant.Assert(kind == KindOf(frame), $"Block {frame} is listed as {kind}, and its page block is {KindOf(frame)}.");
        _frames[frame.Value].Held = held;
        ref FrameList list = ref BuddyLists.List(_lists, order, kind);
        if (!toTail)
        {
            list.AddHead(_frames, frame);
        }
        else if (_lists->BoundariesActive)
        {
            AddTailAtBoundary(ref list, ref BuddyLists.Boundary(_lists, order, kind), frame, content);
        }
        else
        {
            list.AddTail(_frames, frame);
        }

        SetWord(frame, BuddyWord.For(BlockState.Free, order, kind, content));
        _lists->FreeFrames += 1u << order;
        _lists->ReportedFrames += content != FrameContent.Unknown ? 1u << order : 0;
        Invariant.Assert(_lists->ReportedFrames <= _lists->FreeFrames, $"{_lists->ReportedFrames} frames are reported, of {_lists->FreeFrames} free ones.");
        Invariant.Assert(_lists->FreeFrames + _lists->IsolatedFrames <= _lists->Frontier, $"{_lists->FreeFrames} frames are free and {_lists->IsolatedFrames} isolated, of {_lists->Frontier}.");
    }

    private FrameContent Remove(Pfn frame)
    {
        BuddyWord word = WordOf(frame);
        Invariant.Assert(_lock.IsHeld, $"Block {frame} leaves its list without the lock.");
        Invariant.Assert(word.State == BlockState.Free, $"Block {frame} leaves a list of free ones and is {word.State}.");
        Invariant.Assert(_lists->FreeFrames >= 1u << word.Order, $"Block {frame} of order {word.Order} is more than the {_lists->FreeFrames} free frames.");
        if (_lists->BoundariesActive)
        {
            LeaveBoundary(ref BuddyLists.Boundary(_lists, word.Order, word.Kind), frame);
        }

        BuddyLists.List(_lists, word.Order, word.Kind).Remove(_frames, frame);
        SetWord(frame, default);
        _lists->FreeFrames -= 1u << word.Order;
        _lists->ReportedFrames -= word.Content != FrameContent.Unknown ? 1u << word.Order : 0;
        return word.Content;
    }

    /// <summary>Takes a block: own kind, whole page blocks of another, fresh memory, parts of page blocks of another kind.</summary>
    /// <param name="order">Its order.</param>
    /// <param name="kind">Its kind.</param>
    /// <param name="spoil">Whether to take parts of page blocks of another kind although there is fresh memory that only has to be opened.</param>
    /// <param name="frame">Its first frame.</param>
    /// <param name="content">What is known of its pages.</param>
    private bool TryTakeBlock(int order, BlockKind kind, bool spoil, out Pfn frame, out FrameContent content)
    {
        if (TryTakeListed(order, kind, out frame, out content))
        {
            return true;
        }

        bool mayClaim = spoil || !IsFreshClosed(order);
        while (TryClaimFallback(Math.Max(order, BlockOrder), kind) || TryBringFresh(order, kind) || (mayClaim && TryClaimFallback(order, kind)))
        {
            if (TryTakeListed(order, kind, out frame, out content))
            {
                return true;
            }
        }

        return mayClaim && TryStealBlock(order, kind, out frame, out content);
    }

    private bool TryTakeListed(int order, BlockKind kind, out Pfn frame, out FrameContent content)
    {
        for (int from = order; from < Order.Count; from++)
        {
            frame = BuddyLists.List(_lists, from, kind).Head;
            if (frame != Pfn.None)
            {
                content = TakeLower(frame, from, order, kind);
                return true;
            }
        }

        frame = Pfn.None;
        content = FrameContent.Unknown;
        return false;
    }

    /// <summary>Takes the lowest block of an order out of a larger free one; the rest stays on the lists of a kind.</summary>
    private FrameContent TakeLower(Pfn frame, int from, int order, BlockKind kind)
    {
        FrameContent content = Remove(frame);
        uint held = _frames[frame.Value].Held;
        Invariant.Assert(from >= order && held <= 1u << from, $"{held} frames of block {frame} of order {from} are held, and order {order} is wanted.");
        while (from > order)
        {
            from--;
            uint upper = Math.Min(held, 1u << from);
            Insert(new Pfn(frame.Value + (1u << from)), from, kind, content, content != FrameContent.Unknown, upper);
            held -= upper;
        }

        return content;
    }

    /// <summary>Puts the next block that nobody ever used on the lists.</summary>
    private bool TryBringFresh(int order, BlockKind kind)
    {
        uint fresh = FreshFrames;
        int size = fresh >= 1u << Order.MaxValue ? Order.MaxValue : BlockOrder;
        if (fresh == 0 || size < order || _lists->Frontier + (1u << size) > _zone.OpenedFrames)
        {
            return false;
        }

        var frame = new Pfn(_lists->Frontier);
        Invariant.Assert(frame.Value % (1u << size) == 0 && size >= BlockOrder, $"The frontier {frame} is no place for a block of order {size}.");
        for (uint f = 0; f < 1u << size; f += 1u << BlockOrder)
        {
            SetKind(new Pfn(frame.Value + f), kind);
        }

        Atomic.StoreRelease(ref _lists->Frontier, _lists->Frontier + (1u << size));
        Insert(frame, size, kind, FrameContent.ReportedZero, toTail: true, held: 0);
        Invariant.Assert(_lists->Frontier <= _frameCount && _lists->Frontier <= _zone.OpenedFrames, $"The frontier {_lists->Frontier} lies behind what is open.");
        return true;
    }

    /// <summary>Whether there is fresh memory for a block that has to be opened before it comes in.</summary>
    private bool IsFreshClosed(int order)
    {
        uint size = 1u << Math.Max(order, BlockOrder);
        return FreshFrames >= size && _lists->Frontier + size > _zone.OpenedFrames;
    }

    /// <summary>Opens the memory that comes in next. Without the zone's lock, because the operating system is asked.</summary>
    /// <returns>Whether there is fresh memory for a block, as far as can be said without the lock.</returns>
    private bool TryOpenFresh(int order)
    {
        uint frontier = Atomic.LoadAcquire(ref _lists->Frontier);
        return _frameCount - frontier >= 1u << Math.Max(order, BlockOrder) && _zone.TryOpen(Math.Min(_frameCount, frontier + (1u << Order.MaxValue)));
    }

    /// <summary>Makes a block free that somebody may have written to.</summary>
    private void FreeUsed(Pfn frame, int order) => FreeBlock(frame, order, FrameContent.Unknown, toTail: false, held: 1u << order);

    /// <summary>Makes a block free, together with its buddies as far as those are free.</summary>
    private void FreeBlock(Pfn frame, int order, FrameContent content, bool toTail, uint held)
    {
        Invariant.Assert(_lock.IsHeld, $"Block {frame} is freed without the lock.");
        Invariant.Assert(WordOf(frame).State != BlockState.Free, $"Block {frame} is freed and free already.");
        Invariant.Assert(held <= 1u << order, $"{held} frames of block {frame} of order {order} are held.");
        SetWord(frame, default);
        while (order < Order.MaxValue && TryBuddy(frame, order, out Pfn buddy))
        {
            content = BuddyWord.Weaker(content, Remove(buddy));
            held += _frames[buddy.Value].Held;
            frame = new Pfn(Math.Min(frame.Value, buddy.Value));
            order++;
            if (order > BlockOrder)
            {
                SetKind(new Pfn(frame.Value + (1u << BlockOrder)), KindOf(frame));
            }
        }

        Insert(frame, order, KindOf(frame), content, toTail || content != FrameContent.Unknown || IsMergeLikely(frame, order), held);
    }

    /// <summary>The neighbour that a block would merge with, if it is free and of the same order.</summary>
    private bool TryBuddy(Pfn frame, int order, out Pfn buddy)
    {
        buddy = new Pfn(frame.Value ^ (1u << order));
        return buddy.Value < _lists->Frontier && WordOf(buddy).IsFree(order);
    }

    /// <summary>
    /// Whether the next larger block's buddy is free: then this block will probably be needed for a merge soon, and goes to the tail, so that it
    /// is not handed out first.
    /// </summary>
    private bool IsMergeLikely(Pfn frame, int order) =>
        order < Order.MaxValue - 1 && TryBuddy(new Pfn(frame.Value & ~(1u << order)), order + 1, out _);
}
