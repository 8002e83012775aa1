using System.Numerics;
using System.Runtime.CompilerServices;
using NativeMm.Diagnostics;
using NativeMm.Primitives;

namespace NativeMm.Frames;

/// <content>Giving blocks back, wherever they came from: the words of the frame itself are all that is needed.</content>
public sealed unsafe partial class LockFreeFrameAllocator
{
    internal const string PauseReleased = "free: released, not counted";

    /// <inheritdoc/>
    public void Free(Pfn frame, Order order) => Free<NoPause>(frame, order);

    /// <inheritdoc cref="Free(Pfn, Order)"/>
    /// <typeparam name="TPause">Where a race test holds the thread.</typeparam>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void Free<TPause>(Pfn frame, Order order)
        where TPause : struct, IPausePoint
    {
        int o = order.Value;
        if (frame.Value >= _frameCount || (frame.Value & ((1u << o) - 1)) != 0)
        {
            FrameFault.ThrowNotABlock(_zone, frame, order);
        }

        if (o > BitmapRow.OrderMax)
        {
            FreeLarge(frame, order);
            return;
        }

        if (!BitmapRow.TryChange(ref Row(frame.Value), BitmapRow.BlockMask(o) << (int)(frame.Value % BitmapRow.Frames), claim: false)) // [A3]
        {
            ThrowNotAllocated(frame, order);
        }

        TPause.Reach(PauseReleased);
        Put(frame.Value / ChildWord.Frames, 1u << o);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void FreeLarge(Pfn frame, Order order)
    {
        // A block that begins in the zone ends in it, but for order 10 in a zone of an odd number of children.
        if (_frameCount - frame.Value < order.Frames)
        {
            FrameFault.ThrowNotABlock(_zone, frame, order);
        }

        if (order.Value >= HugeOrder)
        {
            FreeHuge(frame, order);
        }
        else
        {
            FreeRows(frame, order);
        }
    }

    /// <summary>Orders 7 and 8. All rows are looked at before the first one changes, so that a mistake changes nothing.</summary>
    private void FreeRows(Pfn frame, Order order)
    {
        uint end = frame.Value + order.Frames;
        for (uint f = frame.Value; f < end; f += BitmapRow.Frames)
        {
            if (Atomic.LoadAcquire(ref Row(f)) != ulong.MaxValue)
            {
                ThrowNotAllocated(frame, order);
            }
        }

        uint child = frame.Value / ChildWord.Frames;
        for (uint f = frame.Value; f < end; f += BitmapRow.Frames)
        {
            if (!BitmapRow.TryChange(ref Row(f), ulong.MaxValue, claim: false)) // [A3]
            {
                // Two threads free the block at once. What this one released is counted, so that the counters stay true.
                if (f > frame.Value)
                {
                    Put(child, f - frame.Value);
                }

                ThrowNotAllocated(frame, order);
            }
        }

        Put(child, order.Frames);
    }

    private void ReleaseOwnRow(uint frame)
    {
        bool released = BitmapRow.TryChange(ref Row(frame), ulong.MaxValue, claim: false); // [A3]
        Invariant.Check(released, $"A row at frame {frame} was freed by somebody who did not own it.");
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Put(uint child, uint frames)
    {
        if (!ChildWord.TryChange(ref Child(child), new ChildTransitions.Put(frames), out ChildWord word)) // [A4] pairs with [A1] and [A5]
        {
            ThrowMiscounted(child, word, frames);
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void ThrowMiscounted(uint child, ChildWord word, uint frames) =>
        throw new InvariantViolationException($"Child {child} ({word}) cannot get {frames} frames back: its count and its bitmap disagree.");

    /// <summary>The bits of a block were not all set: find out which mistake that is.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void ThrowNotAllocated(Pfn frame, Order order)
    {
        if (ReadChild(frame.Value / ChildWord.Frames).State != ChildState.Frames || CountTaken(frame.Value, order.Value) != 0)
        {
            FrameFault.ThrowWrongOrder(_zone, frame, order);
        }

        FrameFault.ThrowDoubleFree(_zone, frame, order);
    }

    /// <summary>Bits set in a block of order 8 at most.</summary>
    private uint CountTaken(uint frame, int order)
    {
        if (order <= BitmapRow.OrderMax)
        {
            ulong mask = BitmapRow.BlockMask(order) << (int)(frame % BitmapRow.Frames);
            return (uint)BitOperations.PopCount(Atomic.LoadAcquire(ref Row(frame)) & mask);
        }

        uint taken = 0;
        for (uint f = frame; f < frame + (1u << order); f += BitmapRow.Frames)
        {
            taken += (uint)BitOperations.PopCount(Atomic.LoadAcquire(ref Row(f)));
        }

        return taken;
    }
}
