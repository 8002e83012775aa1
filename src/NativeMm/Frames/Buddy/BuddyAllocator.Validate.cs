using NativeMm.Diagnostics;
using NativeMm.Primitives;

namespace NativeMm.Frames;

/// <content>Counting and checking.</content>
internal sealed unsafe partial class BuddyAllocator<TStatistics>
{
    /// <inheritdoc/>
    public FrameStatistics GetStatistics()
    {
        using EndGate.Visit inside = Visit();
        var blocks = new ulong[Order.Count];
        ulong perCore = CountPerCore();
        _lock.Enter();
        for (int order = 0; order < Order.Count; order++)
        {
            for (int kind = 0; kind < BuddyLists.Kinds; kind++)
            {
                blocks[order] += BuddyLists.List(_lists, order, (BlockKind)kind).Count;
            }
        }

        uint fresh = FreshFrames;
        ulong free = _lists->FreeFrames + fresh;
        ulong isolated = _lists->IsolatedFrames;
        ulong reported = _lists->ReportedFrames + fresh;
        _lock.Exit();
        blocks[Order.MaxValue] += fresh >> Order.MaxValue;
        blocks[BlockOrder] += (fresh >> BlockOrder) & 1;
        return new FrameStatistics
        {
            ManagedFrames = _frameCount,
            FreeFrames = free,
            PerCoreFrames = perCore,
            AllocatedFrames = _frameCount - Math.Min(_frameCount, free + perCore + isolated),
            IsolatedFrames = isolated,
            ReportedFrames = reported,
            FreeBlocks = blocks,
        };
    }

    /// <inheritdoc/>
    public void Validate()
    {
        using EndGate.Visit inside = Visit();
        ulong perCore = CountPerCore();
        Span<ulong> listed = stackalloc ulong[Order.Count * BuddyLists.Kinds];
        Span<ulong> frames = stackalloc ulong[(int)BlockState.Isolated + 1];
        ulong reported = 0;
        for (uint f = 0; f < _lists->Frontier;)
        {
            var frame = new Pfn(f);
            BuddyWord word = WordOf(frame);
            uint size = 1u << word.Order;
            Invariant.Check(word.State != BlockState.None, $"No block begins at frame {f}, where one must.");
            Invariant.Check(word.Order <= Order.MaxValue && (f & (size - 1)) == 0, $"A block of order {word.Order} begins at frame {f}.");
            ValidateInside(f, size);
            frames[(int)word.State] += size;
            if (word.State == BlockState.Free)
            {
                listed[(word.Order * BuddyLists.Kinds) + (int)word.Kind]++;
                reported += word.Content != FrameContent.Unknown ? size : 0;
                uint held = _frames[f].Held;
                Invariant.Check(
                    held <= size && (held == 0 || word.Content == FrameContent.Unknown), $"{held} frames of the free block at frame {f} are held ({word.Content}).");
                Invariant.Check(word.Kind == KindOf(frame), $"Free frame {f} is listed as {word.Kind}, but its page block is {KindOf(frame)}.");
                Invariant.Check(
                    word.Order == Order.MaxValue || !TryBuddy(frame, word.Order, out _), $"Frame {f} and its buddy are free and did not merge.");
            }

            f += size;
        }

        for (uint f = _lists->Frontier; f < _zone.OpenedFrames; f++)
        {
            Invariant.Check(WordOf(new Pfn(f)).State == BlockState.None, $"A block begins at frame {f}, behind the frontier.");
        }

        Invariant.Check(frames[(int)BlockState.Free] == _lists->FreeFrames, $"{_lists->FreeFrames} free frames counted, {frames[1]} found.");
        Invariant.Check(reported == _lists->ReportedFrames, $"{_lists->ReportedFrames} reported frames counted, {reported} found.");
        Invariant.Check(frames[(int)BlockState.PerCore] == perCore, $"{perCore} per-core frames counted, {frames[3]} found.");
        Invariant.Check(
            frames[(int)BlockState.Isolated] == _lists->IsolatedFrames, $"{_lists->IsolatedFrames} isolated frames counted, {frames[4]} found.");
        ValidateLists(listed);
    }

    private void ValidateInside(uint first, uint size)
    {
        for (uint f = first + 1; f < first + size; f++)
        {
            Invariant.Check(WordOf(new Pfn(f)).State == BlockState.None, $"A block begins at frame {f} inside the one at frame {first}.");
        }
    }

    private void ValidateLists(ReadOnlySpan<ulong> found)
    {
        for (int order = 0; order < Order.Count; order++)
        {
            for (int kind = 0; kind < BuddyLists.Kinds; kind++)
            {
                ref FrameList list = ref BuddyLists.List(_lists, order, (BlockKind)kind);
                uint length = 0;
                for (Pfn f = list.Head; f != Pfn.None && length <= list.Count; f = FrameList.Next(_frames, f), length++)
                {
                    Invariant.Check(
                        WordOf(f).IsFree(order) && WordOf(f).Kind == (BlockKind)kind, $"Frame {f} is on the list of order {order}, kind {kind}.");
                }

                ValidateBoundary(list, BuddyLists.Boundary(_lists, order, (BlockKind)kind), order, (BlockKind)kind);
                ulong marked = found[(order * BuddyLists.Kinds) + kind];
                Invariant.Check(
                    length == list.Count && marked == list.Count,
                    $"The list of order {order}, kind {kind} counts {list.Count}, is {length} long, and {marked} blocks say that they are on it.");
            }
        }
    }

    /// <summary>An active boundary stands at a block of its list, and from there on every block is reported.</summary>
    private void ValidateBoundary(FrameList list, uint boundary, int order, BlockKind kind)
    {
        bool isBehind = false;
        for (Pfn f = list.Head; f != Pfn.None && _lists->BoundariesActive; f = FrameList.Next(_frames, f))
        {
            isBehind |= boundary == f.Value + 1;
            Invariant.Check(
                !isBehind || WordOf(f).Content != FrameContent.Unknown,
                $"Frame {f} is behind the reported boundary of order {order}, kind {kind}, and is not reported.");
        }

        Invariant.Check(
            isBehind || boundary == 0 || !_lists->BoundariesActive,
            $"The reported boundary of order {order}, kind {kind}, stands at frame {boundary - 1}, which is not on the list.");
    }

    private ulong CountPerCore()
    {
        ulong frames = 0;
        for (int core = 0; core <= _coreMask && _perCorePages; core++)
        {
            frames += Atomic.LoadAcquire(ref _cores[core].Frames);
        }

        return frames;
    }
}
