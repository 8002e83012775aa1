using NativeMm.Diagnostics;
using NativeMm.Primitives;

namespace NativeMm.Frames;

/// <content>What to do when the lists of a kind are empty. Everything here runs under the zone's lock.</content>
internal sealed unsafe partial class BuddyAllocator<TStatistics>
{
    // Whom each kind takes from, in this order.
    private static ReadOnlySpan<BlockKind> FallbacksOf(BlockKind kind) => kind switch
    {
        BlockKind.Unmovable => [BlockKind.Reclaimable, BlockKind.Movable],
        BlockKind.Movable => [BlockKind.Reclaimable, BlockKind.Unmovable],
        _ => [BlockKind.Unmovable, BlockKind.Movable],
    };

    /// <summary>
    /// Turns a page block of another kind into one of this kind, largest free blocks first, if that does not spoil it: it is free as a whole,
    /// or at least half of it is free or of this kind already.
    /// </summary>
    /// <param name="smallest">Smallest free block to look for.</param>
    /// <param name="kind">The kind that needs memory.</param>
    private bool TryClaimFallback(int smallest, BlockKind kind)
    {
        for (int order = Order.MaxValue; order >= smallest; order--)
        {
            // Movable blocks may sit among others in small pieces: for them a page block is claimed only for a large piece.
            if (order < BlockOrder / 2 && kind == BlockKind.Movable)
            {
                return false;
            }

            foreach (BlockKind other in FallbacksOf(kind))
            {
                Pfn frame = BuddyLists.List(_lists, order, other).Head;
                if (frame != Pfn.None && (order >= BlockOrder ? ClaimWhole(frame, order, kind) : TryClaimHalf(frame, kind)))
                {
                    return true;
                }
            }
        }

        return false;
    }

    /// <summary>Takes the smallest block that fits from another kind; its page block stays what it is.</summary>
    private bool TryStealBlock(int order, BlockKind kind, out Pfn frame, out FrameContent content)
    {
        for (int from = order; from < Order.Count; from++)
        {
            foreach (BlockKind other in FallbacksOf(kind))
            {
                frame = BuddyLists.List(_lists, from, other).Head;
                if (frame != Pfn.None)
                {
                    content = TakeLower(frame, from, order, other);
                    return true;
                }
            }
        }

        frame = Pfn.None;
        content = FrameContent.Unknown;
        return false;
    }

    private bool ClaimWhole(Pfn frame, int order, BlockKind kind)
    {
        Invariant.Assert(_lock.IsHeld && order >= BlockOrder, $"A block of order {order} is no page block.");
        Invariant.Assert(WordOf(frame).IsFree(order), $"Block {frame} of order {order} is claimed and not free.");
        for (uint f = 0; f < 1u << order; f += 1u << BlockOrder)
        {
            SetKind(new Pfn(frame.Value + f), kind);
        }

        Relist(frame, order, kind);
        return true;
    }

    private bool TryClaimHalf(Pfn inside, BlockKind kind)
    {
        var first = new Pfn(inside.Value & ~((1u << BlockOrder) - 1));
        uint end = first.Value + (1u << BlockOrder);
        Invariant.Assert(end <= _lists->Frontier, $"The page block at {first} ends behind the frontier.");
        uint friendly = 0;
        for (uint f = first.Value; f < end;)
        {
            BuddyWord word = WordOf(new Pfn(f));
            friendly += word.State == BlockState.Free || (word.State == BlockState.Allocated && word.Kind == kind) ? 1u << word.Order : 0;
            f += 1u << word.Order;
        }

        Invariant.Assert(friendly <= 1u << BlockOrder, $"{friendly} frames of the page block at {first} are friendly.");
        if (friendly < 1u << (BlockOrder - 1))
        {
            return false;
        }

        SetKind(first, kind);
        for (uint f = first.Value; f < end;)
        {
            BuddyWord word = WordOf(new Pfn(f));
            if (word.State == BlockState.Free)
            {
                Relist(new Pfn(f), word.Order, kind);
            }

            f += 1u << word.Order;
        }

        return true;
    }

    private void Relist(Pfn frame, int order, BlockKind kind)
    {
        Invariant.Assert(WordOf(frame).IsFree(order), $"Block {frame} of order {order} changes its list and is on none.");
        FrameContent content = Remove(frame);
        Insert(frame, order, kind, content, content != FrameContent.Unknown, _frames[frame.Value].Held);
    }
}
