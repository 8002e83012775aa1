using NativeMm.Diagnostics;
using NativeMm.Primitives;

namespace NativeMm.Frames;

/// <content>Taking free blocks out for a reporter. An isolated block is on no list, so that its buddy cannot merge with it.</content>
internal sealed unsafe partial class BuddyAllocator<TStatistics>
{
    // Blocks to look at before others get the zone's lock.
    private const int StepsMax = 512;

    /// <inheritdoc/>
    public int Isolate(Order order, Span<Pfn> blocks, ref uint cursor)
    {
        using EndGate.Visit inside = Visit();
        uint size = order.Frames;
        ulong at = ((ulong)cursor + size - 1) & ~((ulong)size - 1);
        int count = 0;
        bool atEnd = false;
        while (count < blocks.Length && !atEnd)
        {
            _lock.Enter();
            for (int step = 0; step < StepsMax && count < blocks.Length && !atEnd; step++)
            {
                atEnd = at + size > _lists->Frontier;
                if (!atEnd)
                {
                    at += TryIsolate(new Pfn((uint)at), order, out ulong stride) ? Add(blocks, ref count, (uint)at, size) : stride;
                }
            }

            _lock.Exit();
        }

        cursor = atEnd || at + size > _frameCount ? 0 : (uint)at;
        return count;

        static ulong Add(Span<Pfn> blocks, ref int count, uint frame, uint size)
        {
            blocks[count++] = new Pfn(frame);
            return size;
        }
    }

    /// <inheritdoc/>
    public void PutBack(ReadOnlySpan<Pfn> blocks, Order order, FrameContent content)
    {
        using EndGate.Visit inside = Visit();
        int bad = -1;
        for (int i = 0; i < blocks.Length; i++)
        {
            _lock.Enter();
            bool isBack = TryPutBack(blocks[i], order, content);
            _lock.Exit();
            bad = isBack || bad >= 0 ? bad : i;
        }

        if (bad >= 0)
        {
            ThrowNotPutBack(blocks[bad], order);
        }
    }

    private void ThrowNotPutBack(Pfn block, Order order)
    {
        if (!IsBlock(block, order))
        {
            FrameFault.ThrowNotABlock(_zone, block, order);
        }

        FrameFault.ThrowNotIsolated(_zone, block, order);
    }

    private bool TryPutBack(Pfn block, Order order, FrameContent content)
    {
        if (!IsOpen(block, order) || WordOf(block) is not { State: BlockState.Isolated } word || word.Order != order.Value)
        {
            return false;
        }

        Invariant.Assert(_lists->IsolatedFrames >= order.Frames, $"Block {block} of order {order} comes back, and {_lists->IsolatedFrames} frames are isolated.");
        Invariant.Assert(_frames[block.Value].Owner == FrameOwner.Isolated, $"Block {block} comes back and belongs to {_frames[block.Value].Owner}.");
        _lists->IsolatedFrames -= order.Frames;
        _lists->PutBacks++;
        _frames[block.Value].Owner = FrameOwner.None;

        // What could not be reported is still in memory, so it is the better block to hand out next.
        bool isReported = content != FrameContent.Unknown;
        FreeBlock(block, order.Value, content, toTail: isReported, held: isReported ? 0 : _frames[block.Value].Held);
        return true;
    }

    private void MarkIsolated(Pfn frame, Order order, BlockKind kind)
    {
        Invariant.Assert(_lock.IsHeld, $"Block {frame} is isolated without the lock.");
        Invariant.Assert(WordOf(frame).State == BlockState.None, $"Block {frame} is isolated while it is something else.");
        SetWord(frame, BuddyWord.For(BlockState.Isolated, order.Value, kind));
        _frames[frame.Value].Owner = FrameOwner.Isolated;
        _lists->IsolatedFrames += order.Frames;
        Invariant.Assert(_lists->IsolatedFrames + _lists->FreeFrames <= _lists->Frontier, $"{_lists->IsolatedFrames} frames are isolated and {_lists->FreeFrames} free, of {_lists->Frontier}.");
    }

    /// <summary>Isolates the block at a frame if it is part of a free block that the operating system may hold pages of.</summary>
    /// <param name="frame">First frame.</param>
    /// <param name="order">Order.</param>
    /// <param name="stride">Frames to go on by when there is nothing to isolate.</param>
    private bool TryIsolate(Pfn frame, Order order, out ulong stride)
    {
        Pfn head = HeadOf(frame);
        BuddyWord word = WordOf(head);
        uint end = head.Value + (1u << word.Order);
        Invariant.Assert(head <= frame && frame.Value < end, $"Frame {frame} is not in the block of order {word.Order} at {head}.");
        stride = Math.Max(order.Frames, (end - frame.Value + order.Frames - 1) & ~(order.Frames - 1));
        if (word.State != BlockState.Free || word.Order < order.Value || word.Content != FrameContent.Unknown)
        {
            return false;
        }

        // Halve the block around the piece; what is left over stays free.
        Remove(head);
        uint held = _frames[head.Value].Held;
        for (int half = word.Order - 1; half >= order.Value; half--)
        {
            var upper = new Pfn(head.Value + (1u << half));
            bool inUpper = frame >= upper;
            uint rest = held - Math.Min(held, 1u << half);
            Insert(inUpper ? head : upper, half, word.Kind, word.Content, toTail: false, rest);
            held -= rest;
            head = inUpper ? upper : head;
        }

        Invariant.Assert(head == frame && held <= order.Frames, $"What is left around frame {frame} begins at {head}, with {held} held frames of order {order}.");
        _frames[frame.Value].Held = held;
        MarkIsolated(frame, order, word.Kind);
        return true;
    }
}
