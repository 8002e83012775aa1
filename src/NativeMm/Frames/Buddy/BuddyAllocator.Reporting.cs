// Purpose      tells the reported blocks on the free lists from the others without looking at all of them again and again.
// States       a block on a list: unreported or reported (its word). A list with an active boundary: unreported and reported blocks mixed, then
//              from the boundary on reported ones only.
// Transitions  rotation: the walk looks at the list from its head and passes over reported blocks; when it stops, the list is turned so that the
//              next block to look at is in front. Blocks come back at the tail.
//              boundary: the walk takes the block before the boundary, or moves the boundary over it when it is reported. Blocks come back at
//              the tail, which is behind the boundary. An unreported block that is inserted at the tail goes before the boundary.
//              A block at the boundary that leaves the list hands the boundary on to the block after it. Turning a list resets its boundary.
// Ownership    lists, boundaries and the active flag | whoever has the zone's lock
//              the walk                              | the reporter, under the zone's lock
// Progress     blocking; the lock is dropped after so many blocks that were looked at.
// Source       Linux: the boundary is version 10 of the series (never merged), rotation is mm/page_reporting.c. Departure: a boundary stays
//              active from one pass to the next until the walk came to its end, so that a pass begins where the last one stopped.

using NativeMm.Diagnostics;
using NativeMm.Primitives;

namespace NativeMm.Frames;

/// <content>The walks of a reporter over the free lists, and the boundaries that insertion and removal keep for it.</content>
internal sealed unsafe partial class BuddyAllocator<TStatistics>
{
    /// <summary>The way of finding free blocks for a reporter.</summary>
    /// <param name="surface">Whom the reporter sees as the allocator.</param>
    /// <param name="scheme">How to keep track of what was reported.</param>
    public IReportableFrames Reportable(IFrameAllocator surface, BuddyReportScheme scheme) =>
        new BuddyReportableFrames<TStatistics>(this, surface, scheme);

    /// <inheritdoc/>
    public IsolationMark ReadIsolation()
    {
        _lock.Enter();
        var mark = new IsolationMark(_lists->PutBacks, _lists->IsolatedFrames != 0);
        _lock.Exit();
        return mark;
    }

    /// <summary>Counts what is allocated and what the operating system may hold for nobody. The lock keeps both.</summary>
    public FrameUse SampleUse()
    {
        ulong perCore = CountPerCore();
        _lock.Enter();
        ulong free = _lists->FreeFrames + FreshFrames;
        ulong unreported = _lists->FreeFrames - _lists->ReportedFrames;
        ulong isolated = _lists->IsolatedFrames;
        _lock.Exit();
        return new FrameUse(_frameCount - Math.Min(_frameCount, free + perCore + isolated), unreported);
    }

    /// <inheritdoc/>
    public ulong CountFreeFrames()
    {
        _lock.Enter();
        ulong free = _lists->FreeFrames + FreshFrames;
        _lock.Exit();
        return free;
    }

    /// <summary>A walk begins or goes on.</summary>
    public void BeginWalk(BuddyReportScheme scheme)
    {
        _lock.Enter();
        if (scheme == BuddyReportScheme.Boundary && !_lists->BoundariesActive)
        {
            BuddyLists.ClearBoundaries(_lists);
            _lists->BoundariesActive = true;
        }

        _lock.Exit();
    }

    /// <summary>
    /// A walk came to its end: no boundary means anything any more, until the next one begins. Nobody else needs to call this. Whoever changes lists,
    /// be it by allocating, freeing, isolating or migrating, does so block by block, and the boundaries follow.
    /// </summary>
    public void EndWalk()
    {
        _lock.Enter();
        _lists->BoundariesActive = false;
        _lock.Exit();
    }

    /// <summary>Forgets the boundary of one list: for whoever changes the order of its blocks. Under the zone's lock.</summary>
    internal void ResetBoundary(int order, BlockKind kind) => BuddyLists.Boundary(_lists, order, kind) = 0;

    /// <summary>Isolates the next unreported blocks of a walk.</summary>
    /// <param name="walk">How far it came.</param>
    /// <param name="scheme">How it goes on.</param>
    /// <param name="smallest">Its last order.</param>
    /// <param name="ranges">Where the blocks go.</param>
    /// <param name="framesMax">Most frames to take.</param>
    /// <param name="isAtEnd">Whether no list is left to look at.</param>
    public int IsolateListed(
        ref BuddyWalk walk, BuddyReportScheme scheme, int smallest, Span<FrameRange> ranges, ulong framesMax, out bool isAtEnd)
    {
        int count = 0;
        bool hasRoom = true;
        while (hasRoom && walk.Order >= smallest)
        {
            int room = (int)Math.Min((ulong)(ranges.Length - count), framesMax >> walk.Order);
            Span<FrameRange> blocks = ranges.Slice(count, room);
            _lock.Enter();
            int found = scheme == BuddyReportScheme.Boundary
                ? WalkToHead(walk, blocks, out bool isThrough)
                : WalkToTail(ref walk, blocks, out isThrough);
            _lock.Exit();
            count += found;
            framesMax -= (ulong)found << walk.Order;
            hasRoom = found < room || isThrough;
            if (isThrough)
            {
                walk.MoveOn();
            }
            else if (room == 0)
            {
                break;
            }
        }

        isAtEnd = walk.Order < smallest;
        return count;
    }

    /// <summary>Makes isolated blocks free again, all under one hold of the lock.</summary>
    /// <param name="ranges">The blocks.</param>
    /// <param name="content">What became of their pages.</param>
    public void PutBack(ReadOnlySpan<FrameRange> ranges, FrameContent content)
    {
        int bad = -1;
        _lock.Enter();
        for (int i = 0; i < ranges.Length; i++)
        {
            bool isBack = TryPutBack(ranges[i].Frame, ranges[i].Order, content);
            bad = isBack || bad >= 0 ? bad : i;
        }

        _lock.Exit();
        if (bad >= 0)
        {
            ThrowNotPutBack(ranges[bad].Frame, ranges[bad].Order);
        }
    }

    /// <summary>The boundary scheme: from the boundary of a list to its head.</summary>
    private int WalkToHead(BuddyWalk walk, Span<FrameRange> blocks, out bool isThrough)
    {
        ref FrameList list = ref BuddyLists.List(_lists, walk.Order, walk.Kind);
        ref uint boundary = ref BuddyLists.Boundary(_lists, walk.Order, walk.Kind);
        int count = 0;
        Invariant.Assert(_lock.IsHeld && _lists->BoundariesActive, "A walk to the head needs the lock and boundaries.");
        for (int step = 0; step < StepsMax; step++)
        {
            Pfn block = boundary != 0 ? FrameList.Previous(_frames, new Pfn(boundary - 1)) : list.Tail;
            isThrough = block == Pfn.None;
            if (isThrough)
            {
                return count;
            }

            if (WordOf(block).Content != FrameContent.Unknown)
            {
                boundary = block.Value + 1;
            }
            else if (count == blocks.Length)
            {
                return count;
            }
            else
            {
                blocks[count++] = TakeForReport(block, walk);
            }
        }

        isThrough = false;
        return count;
    }

    /// <summary>The rotation scheme: from the head of a list to its tail, as many blocks as were on it when the walk came to it.</summary>
    private int WalkToTail(ref BuddyWalk walk, Span<FrameRange> blocks, out bool isThrough)
    {
        ref FrameList list = ref BuddyLists.List(_lists, walk.Order, walk.Kind);
        Invariant.Assert(_lock.IsHeld, "A walk to the tail needs the lock.");
        walk.Remaining = walk.Remaining < 0 ? list.Count : walk.Remaining;
        int count = 0;
        Pfn at = list.Head;
        for (int step = 0; step < StepsMax && at != Pfn.None && walk.Remaining > 0; step++)
        {
            Pfn next = FrameList.Next(_frames, at);
            if (WordOf(at).Content == FrameContent.Unknown)
            {
                if (count == blocks.Length)
                {
                    break;
                }

                blocks[count++] = TakeForReport(at, walk);
            }

            walk.Remaining--;
            at = next;
        }

        isThrough = at == Pfn.None || walk.Remaining <= 0;
        if (at != Pfn.None)
        {
            list.RotateTo(_frames, at);
            ResetBoundary(walk.Order, walk.Kind);
        }

        return count;
    }

    private FrameRange TakeForReport(Pfn block, BuddyWalk walk)
    {
        var order = new Order(walk.Order);
        Remove(block);
        Invariant.Assert(_frames[block.Value].Held <= order.Frames, $"{_frames[block.Value].Held} frames of block {block} of order {order} are held.");
        MarkIsolated(block, order, walk.Kind);
        return new FrameRange(block, order, _zone.BaseAddress + block.Offset) { ReportedFrames = order.Frames - _frames[block.Value].Held };
    }

    /// <summary>Inserts a block at the tail of a list whose boundary is kept: what is reported goes to the very end, anything else before it.</summary>
    private void AddTailAtBoundary(ref FrameList list, ref uint boundary, Pfn block, FrameContent content)
    {
        Invariant.Assert(boundary == 0 || WordOf(new Pfn(boundary - 1)).Content != FrameContent.Unknown, $"The boundary stands at block {boundary - 1}, which is not reported.");
        Invariant.Assert(boundary != block.Value + 1, $"The boundary stands at block {block}, which is on no list.");
        if (content == FrameContent.Unknown && boundary != 0)
        {
            list.AddBefore(_frames, new Pfn(boundary - 1), block);
            return;
        }

        list.AddTail(_frames, block);
        if (content != FrameContent.Unknown && boundary == 0)
        {
            boundary = block.Value + 1;
        }
    }

    /// <summary>A block is about to leave its list: if the boundary stands at it, it moves on to the block behind.</summary>
    private void LeaveBoundary(ref uint boundary, Pfn block)
    {
        if (boundary == block.Value + 1)
        {
            boundary = FrameList.Next(_frames, block).Value + 1;
        }
    }
}
