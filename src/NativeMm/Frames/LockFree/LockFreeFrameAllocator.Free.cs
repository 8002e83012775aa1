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
            ThrowNotABlock(frame, order);
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
        if (!ChildWord.TryChange(ref Child(frame.Value / ChildWord.Frames), new ChildTransitions.Put(1u << o, RowOf(frame.Value)), out _)) // [A4]
        {
            PutBeside(frame, FrameRun.Block(o));
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void FreeLarge(Pfn frame, Order order)
    {
        // A block that begins in the zone ends in it, but for order 10 in a zone of an odd number of children.
        if (_frameCount - frame.Value < order.Frames)
        {
            ThrowNotABlock(frame, order);
        }

        if (order.Value >= HugeOrder)
        {
            FreeHuge(frame, order);
        }
        else
        {
            FreeRows(frame, FrameRun.Block(order.Value));
        }
    }

    /// <inheritdoc/>
    public void FreeExact(Pfn first, uint frames)
    {
        var run = FrameRun.Of(frames);
        if (run.IsBlock)
        {
            Free(first, new Order(run.Order));
            return;
        }

        if (!IsBlock(first, new Order(run.Order)))
        {
            FrameFault.ThrowNotABlock(_zone, first, new Order(run.Order));
        }

        FreeRows(first, run);
    }

    /// <summary>Orders 7 and 8, and runs. All rows are looked at before the first one changes, so that a mistake changes nothing.</summary>
    private void FreeRows(Pfn frame, FrameRun run)
    {
        uint end = frame.Value + run.Frames;
        Invariant.Assert(!run.IsWhole && end <= _frameCount, $"The frames from {frame} to {end} are freed by their rows, of {_frameCount}.");
        for (uint f = frame.Value; f < end; f = NextRow(f))
        {
            ulong mask = RowMask(f, end);
            if ((Atomic.LoadAcquire(ref Row(f)) & mask) != mask)
            {
                ThrowNotAllocated(frame, new Order(run.Order));
            }
        }

        uint child = frame.Value / ChildWord.Frames;
        uint rows = RowsOf(frame.Value, run.Frames);
        for (uint f = frame.Value; f < end; f = NextRow(f))
        {
            if (!BitmapRow.TryChange(ref Row(f), RowMask(f, end), claim: false)) // [A3]
            {
                // Two threads free the block at once. What this one released is counted, so that the counters stay true.
                if (f > frame.Value)
                {
                    Put(child, f - frame.Value, rows);
                }

                ThrowNotAllocated(frame, new Order(run.Order));
            }
        }

        if (!ChildWord.TryChange(ref Child(child), new ChildTransitions.Put(run.Frames, rows), out _)) // [A4]
        {
            PutBeside(frame, run);
        }
    }

    /// <summary>Releases the frames of a run that is the caller's.</summary>
    private void ReleaseRows(uint frame, uint end)
    {
        Invariant.Assert(frame < end && frame / ChildWord.Frames == (end - 1) / ChildWord.Frames, $"The frames from {frame} to {end} are released in two children.");
        for (uint f = frame; f < end; f = NextRow(f))
        {
            bool released = BitmapRow.TryChange(ref Row(f), RowMask(f, end), claim: false); // [A3]
            Invariant.Check(released, $"Frames from {f} on were freed by somebody who did not own them.");
        }
    }

    /// <summary>The row of its child that a block up to order 6 lies in, as a bit.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint RowOf(uint frame) => 1u << (int)(frame / BitmapRow.Frames % BitmapRow.PerChild);

    /// <summary>Counts frames in that were counted out a moment ago, or whose block is known not to be isolated.</summary>
    private void Put(uint child, uint frames, uint rows)
    {
        if (!ChildWord.TryChange(ref Child(child), new ChildTransitions.PutBeside(frames, rows), out ChildWord word)) // [A4] pairs with [A1], [A5]
        {
            ThrowMiscounted(child, word, frames);
        }
    }

    /// <summary>Some block of the child is isolated: whoever freed that one, which is free already, is told so, and has changed nothing.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void PutBeside(Pfn frame, FrameRun run)
    {
        if (!TryPutBeside(frame, run))
        {
            if (IsInsideIsolated(frame.Value))
            {
                FrameFault.ThrowUnderReport(_zone, frame, new Order(run.Order));
            }

            FrameFault.ThrowWrongOrder(_zone, frame, new Order(run.Order));
        }
    }

    /// <summary>Counts a run in whose bits were released, unless it is isolated: then it gets its bits back.</summary>
    private bool TryPutBeside(Pfn frame, FrameRun run)
    {
        // Between the release and this somebody may have isolated the frames rightly, and then they are his. But a block that is isolated while
        // its bits belong to this thread was not: its reporter signs after he claimed the bits, and takes the signature off before he releases
        // them. So take the bits again, if they are still there, and look [A13].
        if (TryClaimRun(frame.Value, run)) // [A2]
        {
            if (IsInsideIsolated(frame.Value) || IsAnyIsolatedIn(frame.Value, run.Frames))
            {
                return false;
            }

            ReleaseRows(frame.Value, frame.Value + run.Frames); // [A3]
        }

        Put(frame.Value / ChildWord.Frames, run.Frames, RowsOf(frame.Value, run.Frames)); // [A4]
        return true;
    }

    /// <summary>Whether a frame lies in an isolated block up to order 8, as far as signatures and swept rows say.</summary>
    private bool IsInsideIsolated(uint frame)
    {
        for (int order = 0; order < HugeOrder; order++)
        {
            uint head = frame & ~((1u << order) - 1);
            int signed = SignedOrderOf(head);
            if (signed >= 0 && frame - head < 1u << signed)
            {
                return true;
            }
        }

        return AreAnySwept(frame, 1);
    }

    /// <summary>Whether an isolated block begins among some frames, or any of them is swept.</summary>
    private bool IsAnyIsolatedIn(uint first, uint count)
    {
        for (uint frame = first; frame < first + count; frame++)
        {
            if (SignedOrderOf(frame) >= 0)
            {
                return true;
            }
        }

        return AreAnySwept(first, count);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void ThrowMiscounted(uint child, ChildWord word, uint frames) =>
        throw new InvariantViolationException($"Child {child} ({word}) cannot get {frames} frames back: its count and its bitmap disagree.");

    /// <summary>The bits of a block were not all set: find out which mistake that is.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void ThrowNotAllocated(Pfn frame, Order order)
    {
        ThrowIfUnderReport(frame, order);
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
