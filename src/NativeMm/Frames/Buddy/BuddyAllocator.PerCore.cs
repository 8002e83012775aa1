using System.Runtime.CompilerServices;
using NativeMm.Diagnostics;
using NativeMm.Primitives;

namespace NativeMm.Frames;

/// <content>The lists of the cores.</content>
internal sealed unsafe partial class BuddyAllocator<TStatistics>
{
    /// <inheritdoc/>
    public ulong Drain()
    {
        using EndGate.Visit inside = Visit();
        return DrainCores(onlyIdle: false);
    }

    /// <inheritdoc/>
    public ulong DrainIdle() => DrainCores(onlyIdle: true);

    private ulong DrainCores(bool onlyIdle)
    {
        ulong moved = 0;
        for (int core = 0; core <= _coreMask && _perCorePages; core++)
        {
            PerCorePages* pages = &_cores[core];

            // A core that never kept anything stays untouched. One that begins to at this moment is missed, as if it came later.
            if (Atomic.LoadAcquire(ref pages->High) == 0)
            {
                continue;
            }

            pages->Lock.Enter();
            bool isIdle = pages->Moves == pages->MovesSeen;
            pages->MovesSeen = pages->Moves;
            if (isIdle || !onlyIdle)
            {
                moved += pages->Frames;
                pages->High = Math.Max(_highMin, pages->High - (pages->High / 8));
                FlushFrames(pages, pages->Frames);
            }

            pages->Lock.Exit();
        }

        return moved;
    }

    private PerCorePages* PagesOfThisCore => &_cores[CoreId.CurrentHint.Value & _coreMask];

    private bool TryTakeFromCore(int order, BlockKind kind, out Pfn frame, out FrameContent content)
    {
        // A core's blocks are those that were used a moment ago, or came in a batch: nothing is known of their content.
        content = FrameContent.Unknown;
        frame = Pfn.None;
        PerCorePages* pages = PagesOfThisCore;
        if (!pages->Lock.TryEnter())
        {
            // Somebody else was moved away from this core while he held the lock: the zone serves this one.
            return false;
        }

        ref FrameList list = ref PerCorePages.List(pages, order, kind);
        if (list.Count != 0 || Refill(pages, order, kind))
        {
            frame = list.Head;
            Invariant.Assert(WordOf(frame) is { State: BlockState.PerCore } word && word.Order == order && word.Kind == kind, $"Block {frame} is on a core's list of order {order}, kind {kind}.");
            Invariant.Assert(pages->Frames >= 1u << order, $"A core with {pages->Frames} frames gives one of order {order}.");
            list.Remove(_frames, frame);
            pages->Frames -= 1u << order;
            pages->Moves++;
            SetWord(frame, BuddyWord.For(BlockState.Allocated, order, kind));
        }

        pages->Lock.Exit();
        return frame != Pfn.None;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool Refill(PerCorePages* pages, int order, BlockKind kind)
    {
        Invariant.Assert(pages->Lock.IsHeld, "The lists of a core are filled without its lock.");
        Invariant.Assert(order <= PerCorePages.OrderMax, $"Cores keep no blocks of order {order}.");
        ref FrameList list = ref PerCorePages.List(pages, order, kind);
        int wanted = PerCorePages.BatchOf(order);

        // A busy core may keep more: what it takes in batches it will give back in batches.
        Atomic.StoreRelease(ref pages->High, Math.Clamp(pages->High + PerCorePages.Batch, _highMin, _highMax));
        _lock.Enter();
        ulong free = _lists->FreeFrames + FreshFrames;
        wanted = free < _watermarks.Low ? 1 : free < _watermarks.High ? (wanted + 1) / 2 : wanted;
        Invariant.Assert(wanted is >= 1 and <= PerCorePages.Batch, $"A batch of order {order} has {wanted} blocks.");
        for (int i = 0; i < wanted && TryTakeBlock(order, kind, spoil: false, out Pfn frame, out _); i++)
        {
            SetWord(frame, BuddyWord.For(BlockState.PerCore, order, kind));
            list.AddTail(_frames, frame);
            pages->Frames += 1u << order;
        }

        _lock.Exit();
        return list.Count != 0;
    }

    private void FreeToCore(Pfn frame, int order)
    {
        PerCorePages* pages = PagesOfThisCore;
        if (!pages->Lock.TryEnter())
        {
            _lock.Enter();
            FreeUsed(frame, order);
            _lock.Exit();
            return;
        }

        Invariant.Assert(WordOf(frame) is { State: BlockState.PerCore } word && word.Order == order, $"Block {frame} goes to a core and is not said to.");
        PerCorePages.List(pages, order, WordOf(frame).Kind).AddHead(_frames, frame);
        pages->Frames += 1u << order;
        pages->Moves++;
        if (pages->High == 0)
        {
            Atomic.StoreRelease(ref pages->High, _highMin);
        }

        if (pages->Frames >= pages->High)
        {
            FlushFrames(pages, PerCorePages.Batch);
        }

        pages->Lock.Exit();
    }

    /// <summary>Sends the blocks that lie longest back to the zone, list by list. The core's lock is held.</summary>
    private void FlushFrames(PerCorePages* pages, uint frames)
    {
        Invariant.Assert(pages->Lock.IsHeld, "The lists of a core are emptied without its lock.");
        uint keep = pages->Frames - Math.Min(pages->Frames, frames);
        _lock.Enter();
        for (int order = 0; order <= PerCorePages.OrderMax; order++)
        {
            for (int kind = 0; kind < BuddyLists.Kinds; kind++)
            {
                ref FrameList list = ref PerCorePages.List(pages, order, (BlockKind)kind);
                while (list.Count != 0 && pages->Frames > keep)
                {
                    Pfn frame = list.Tail;
                    Invariant.Assert(WordOf(frame) is { State: BlockState.PerCore } word && word.Order == order, $"Block {frame} is on a core's list of order {order} and is not said to.");
                    Invariant.Assert(pages->Frames >= 1u << order, $"A core with {pages->Frames} frames gives back one of order {order}.");
                    list.Remove(_frames, frame);
                    pages->Frames -= 1u << order;
                    FreeUsed(frame, order);
                }
            }
        }

        _lock.Exit();
    }
}
