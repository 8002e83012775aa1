using System.Numerics;
using System.Runtime.InteropServices;
using NativeMm.Diagnostics;
using NativeMm.Primitives;

namespace NativeMm.Frames;

/// <content>
/// Runs that are not a power of two. A block of the next power of two is cut: the run becomes allocated blocks, one for each bit of its length,
/// largest first, and what is behind it goes back on the lists.
/// </content>
internal sealed unsafe partial class BuddyAllocator<TStatistics>
{
    /// <inheritdoc/>
    public bool TryAllocateExact(uint frames, FrameFlags flags, out Pfn first, out bool knownZero)
    {
        var run = FrameRun.Of(frames);
        var order = new Order(run.Order);
        if (run.IsBlock)
        {
            return TryAllocate(order, flags, out first, out knownZero);
        }

        if (!TryAllocate(order, flags & ~FrameFlags.Zeroed, out first, out knownZero))
        {
            return false;
        }

        _lock.Enter();
        Cut(first, order, frames, KindFor(flags), knownZero);
        _lock.Exit();
        if ((flags & FrameFlags.Zeroed) != 0 && !knownZero)
        {
            NativeMemory.Clear(_zone.AddressOf(first), (nuint)Pfn.FrameBytes * frames);
            knownZero = true;
        }

        return true;
    }

    /// <inheritdoc/>
    public void FreeExact(Pfn first, uint frames)
    {
        var run = FrameRun.Of(frames);
        var order = new Order(run.Order);
        if (!IsBlock(first, order))
        {
            FrameFault.ThrowNotABlock(_zone, first, order);
        }

        // All parts are looked at before the first one changes, so that a mistake changes nothing.
        uint at = first.Value;
        for (int part = run.Order; part >= 0; part--)
        {
            if ((frames >> part & 1) != 0)
            {
                if (!WordOf(new Pfn(at)).IsAllocated(part))
                {
                    ThrowNotAllocated(new Pfn(at), new Order(part));
                }

                at += 1u << part;
            }
        }

        at = first.Value;
        for (int part = run.Order; part >= 0; part--)
        {
            if ((frames >> part & 1) != 0)
            {
                Free(new Pfn(at), new Order(part));
                at += 1u << part;
            }
        }
    }

    /// <summary>Makes an allocated block a run and free blocks behind it. Under the zone's lock.</summary>
    private void Cut(Pfn first, Order order, uint frames, BlockKind kind, bool isZero)
    {
        Invariant.Assert(_lock.IsHeld && WordOf(first).IsAllocated(order.Value), $"A run is cut from block {first} of order {order}, which is not allocated.");
        Invariant.Assert(frames < order.Frames, $"A run of {frames} frames is all of its block of order {order}.");
        uint at = first.Value;
        for (int part = order.Value; part >= 0; part--)
        {
            if ((frames >> part & 1) != 0)
            {
                SetWord(new Pfn(at), BuddyWord.For(BlockState.Allocated, part, kind));
                at += 1u << part;
            }
        }

        uint end = first.Value + order.Frames;
        Invariant.Assert(at == first.Value + frames && at < end, $"The parts of a run of {frames} frames at {first} end at {at}.");
        while (at < end)
        {
            // Nobody wrote to it. What is not known to be zero counts as held: how much of it was is not known any more.
            int part = BitOperations.TrailingZeroCount(at);
            FreeBlock(new Pfn(at), part, isZero ? FrameContent.ReportedZero : FrameContent.Unknown, toTail: isZero, held: isZero ? 0 : 1u << part);
            at += 1u << part;
        }
    }
}
