using System.Numerics;
using NativeMm.Diagnostics;
using NativeMm.Primitives;

namespace NativeMm.Frames;

/// <content>Bulk calls: single frames go in and out by the row, 64 with two CAS; larger blocks one by one.</content>
public sealed unsafe partial class LockFreeFrameAllocator
{
    /// <inheritdoc/>
    public int AllocateBulk(Order order, FrameFlags flags, Span<Pfn> frames)
    {
        ThrowIfDisposed();
        int count = 0;
        try
        {
            while (count < frames.Length)
            {
                if (order.Value == 0)
                {
                    count += TakeRows(flags, frames[count..]);
                }

                // One at a time where rows do not help, to move on to another tree, and to ask the shrinkers before giving up.
                if (count < frames.Length)
                {
                    if (!TryAllocate(order, flags, out Pfn frame, out _))
                    {
                        break;
                    }

                    frames[count++] = frame;
                }
            }
        }
        catch
        {
            // A shrinker of the program. Nobody is told of what there is already.
            Invariant.Assert(count < frames.Length, $"All {count} blocks that were asked for are there, and a shrinker was asked.");
            FreeBulk(frames[..count], order);
            throw;
        }

        return count;
    }

    /// <inheritdoc/>
    /// <remarks>When a block is not allocated, those before it in the span are free and those after it are not.</remarks>
    public void FreeBulk(ReadOnlySpan<Pfn> frames, Order order)
    {
        ThrowIfDisposed();
        int at = 0;
        while (at < frames.Length)
        {
            int run = order.Value == 0 ? FreeRun(frames[at..]) : 0;
            if (run == 0)
            {
                Free(frames[at], order);
                run = 1;
            }

            at += run;
        }
    }

    /// <summary>Frees the single frames at the beginning of the span that lie in one row.</summary>
    /// <returns>How many, or 0 when <see cref="Free"/> has to find the mistake among them.</returns>
    private int FreeRun(ReadOnlySpan<Pfn> frames)
    {
        uint row = frames[0].Value / BitmapRow.Frames;
        if (frames[0].Value >= _frameCount)
        {
            return 0;
        }

        ulong mask = 0;
        int count = 0;
        foreach (Pfn frame in frames)
        {
            // A frame that occurs twice ends the run, and is found free by the next one.
            ulong bit = 1UL << (int)(frame.Value % BitmapRow.Frames);
            if (frame.Value / BitmapRow.Frames != row || (mask & bit) != 0)
            {
                break;
            }

            mask |= bit;
            count++;
        }

        Invariant.Assert(BitOperations.PopCount(mask) == count, $"{count} frames of row {row} are freed at once, and their bits are {mask:x}.");
        if (!BitmapRow.TryChange(ref Row(frames[0].Value), mask, claim: false)) // [A3]
        {
            return 0;
        }

        if (!ChildWord.TryChange(ref Child(frames[0].Value / ChildWord.Frames), new ChildTransitions.Put((uint)count, RowsOf(frames[0].Value, 1)), out _)) // [A4]
        {
            PutRunBeside(frames[..count]);
        }

        return count;
    }

    /// <summary>The same while blocks of the child are isolated: all frames that are not among them are free before the mistake is reported.</summary>
    private void PutRunBeside(ReadOnlySpan<Pfn> frames)
    {
        Pfn bad = Pfn.None;
        foreach (Pfn frame in frames)
        {
            bad = TryPutBeside(frame, FrameRun.Block(0)) || bad != Pfn.None ? bad : frame;
        }

        if (bad != Pfn.None)
        {
            FrameFault.ThrowUnderReport(_zone, bad, Order.Zero);
        }
    }

    /// <summary>Takes single frames out of the core's own tree, a row at a time.</summary>
    private int TakeRows(FrameFlags flags, Span<Pfn> frames)
    {
        var word = new ReservationWord(Atomic.LoadAcquire(ref ReservationOfThisCore(KindFor(0, flags))));
        int count = 0;
        for (int touchedFirst = 1; touchedFirst >= 0 && word.HasTree; touchedFirst--)
        {
            uint first = word.Tree * FrameTree.ChildCount;
            for (uint child = first; child < first + FrameTree.ChildCount && count < frames.Length; child++)
            {
                ChildWord room = ReadChild(child);
                if (touchedFirst != 0 ? room.FreeTouched > 0 : room.Free > 0)
                {
                    count += TakeRowsOf(child, touchedFirst != 0, flags, frames[count..]);
                }
            }
        }

        return count;
    }

    private int TakeRowsOf(uint child, bool touchedOnly, FrameFlags flags, Span<Pfn> frames)
    {
        Invariant.Assert(child < _childCount, $"Frames of child {child} are taken, of {_childCount}.");
        int count = 0;
        for (uint r = 0; r < BitmapRow.PerChild && count < frames.Length; r++)
        {
            uint frame = (child * ChildWord.Frames) + (r * BitmapRow.Frames);
            uint granules = touchedOnly ? ReadChild(child).Touched : ChildWord.AllGranules;
            ulong wanted = Lowest(~Atomic.LoadAcquire(ref Row(frame)) & BitmapRow.FramesOf(granules >> ((int)r * BitmapRow.Granules)), frames.Length - count);
            if (wanted != 0 && TryTakeFrames(child, frame, wanted, out ulong knownZero))
            {
                if (knownZero != 0 && (flags & FrameFlags.Populate) != 0)
                {
                    // What was taken is the lowest that was free: as good as always one run.
                    int low = BitOperations.TrailingZeroCount(knownZero);
                    Populate(frame + (uint)low, (uint)(64 - BitOperations.LeadingZeroCount(knownZero) - low));
                }

                for (; wanted != 0; wanted &= wanted - 1)
                {
                    int bit = BitOperations.TrailingZeroCount(wanted);
                    if ((flags & FrameFlags.Zeroed) != 0 && (knownZero >> bit & 1) == 0)
                    {
                        Clear(frame + (uint)bit, 1);
                    }

                    frames[count++] = new Pfn(frame + (uint)bit);
                }
            }
        }

        return count;
    }

    /// <summary>Takes exactly these frames of a row, or none.</summary>
    /// <param name="child">The child that the row belongs to.</param>
    /// <param name="row">First frame of the row.</param>
    /// <param name="frames">The frames of the row, a bit each.</param>
    /// <param name="knownZero">Those among them that read as zero.</param>
    private bool TryTakeFrames(uint child, uint row, ulong frames, out ulong knownZero)
    {
        knownZero = 0;
        uint count = (uint)BitOperations.PopCount(frames);
        Invariant.Assert(frames != 0 && row / ChildWord.Frames == child, $"Row {row} is not of child {child}.");
        if (!ChildWord.TryChange(ref Child(child), new ChildTransitions.Take(count), out _)) // [A1]
        {
            return false;
        }

        if (!BitmapRow.TryChange(ref Row(row), frames, claim: true)) // [A2] pairs with [A3]
        {
            Put(child, count, rows: 0);
            return false;
        }

        int shift = (int)(row % ChildWord.Frames) / ChildWord.GranuleFrames;
        uint granules = BitmapRow.GranulesOf(frames) << shift;
        if ((ReadChild(child).Untouched & granules) != 0) // [A7]
        {
            bool changed = ChildWord.TryChange(ref Child(child), new ChildTransitions.Touch(granules), out ChildWord before); // [A8]
            knownZero = changed && before.IsUntouchedZero ? BitmapRow.FramesOf((before.Untouched & granules) >> shift) & frames : 0;
        }

        return true;
    }

    /// <summary>The lowest bits of a set, at most as many as wanted.</summary>
    private static ulong Lowest(ulong set, int wanted)
    {
        while (BitOperations.PopCount(set) > wanted)
        {
            set &= ~(1UL << BitOperations.Log2(set));
        }

        return set;
    }
}
