using System.Numerics;
using NativeMm.Diagnostics;
using NativeMm.Primitives;

namespace NativeMm.Frames;

/// <content>
/// Taking out the free frames of granules that are partly in use, a row at a time. What went back is remembered by one bit for each row: it goes on
/// with each free in the row, so a row is swept again when something was freed there, and then as a whole. One sweeper at a time.
/// </content>
public sealed unsafe partial class LockFreeFrameAllocator
{
    /// <summary>Isolates free frames of granules that are partly in use, in rows that are unswept.</summary>
    /// <param name="scan">The smallest pieces to take; most frames to begin another row with; most frames to take away from the free ones.</param>
    /// <param name="ranges">Where the pieces go.</param>
    /// <param name="cursor">Where to go on in the zone; 0 again when the end was reached.</param>
    /// <param name="isThrough">Whether the end was reached.</param>
    /// <returns>How many pieces it took.</returns>
    /// <remarks>A row is taken as a whole if the span has room for any row, even if that is somewhat more than was wanted.</remarks>
    internal int Sweep(FrameScan scan, Span<FrameRange> ranges, ref uint cursor, out bool isThrough)
    {
        Invariant.Assert(scan.Order.Value < GranuleOrder, $"Pieces of order {scan.Order} are swept.");
        uint at = cursor;
        int count = 0;
        ulong taken = 0;
        bool hasRoom = true;
        Atomic.Add(ref _state->InFlight, (ulong)ranges.Length); // [A10]
        while (at < ScanEnd && hasRoom && count < ranges.Length && taken < scan.HeldMax)
        {
            uint behind = NextRow(at);
            ChildWord word = ReadChild(at / ChildWord.Frames);
            if (word.State != ChildState.Frames || word.IsEntirelyFree || word.Unswept == 0)
            {
                behind = (at | (ChildWord.Frames - 1)) + 1;
            }
            else if ((word.Unswept & RowOf(at)) != 0)
            {
                FrameScan rest = scan with { FreeMax = scan.FreeMax - taken };
                taken += (ulong)BitOperations.PopCount(SweepRow(at, rest, ranges[count..], ref behind, count == 0, out int pieces));
                count += pieces;
            }

            hasRoom = behind != at;
            at = behind;
        }

        Land(ranges.Length - count); // [A11]
        isThrough = at >= ScanEnd;
        cursor = isThrough ? 0 : at;
        return count;
    }

    /// <summary>Makes swept frames free again.</summary>
    /// <param name="ranges">Pieces from <see cref="Sweep"/>, those of a row one after the other.</param>
    /// <param name="content">What became of their pages.</param>
    internal void PutBackSwept(ReadOnlySpan<FrameRange> ranges, FrameContent content)
    {
        int bad = -1;
        int at = 0;
        while (at < ranges.Length)
        {
            uint row = ranges[at].Frame.Value / BitmapRow.Frames;
            ulong frames = 0;
            int first = at;
            for (; at < ranges.Length && ranges[at].Frame.Value / BitmapRow.Frames == row; at++)
            {
                Invariant.Assert(
                    ranges[at].Order.Value < GranuleOrder && (frames >> (int)(ranges[at].Frame.Value % BitmapRow.Frames) & 1) == 0,
                    $"The swept piece at frame {ranges[at].Frame}, order {ranges[at].Order}, comes back twice.");
                frames |= BitmapRow.BlockMask(ranges[at].Order.Value) << (int)(ranges[at].Frame.Value % BitmapRow.Frames);
            }

            if (TryPutBackRow(row, frames, content))
            {
                Invariant.Assert(
                    Atomic.LoadAcquire(ref _state->IsolatedFrames) >= (ulong)BitOperations.PopCount(frames),
                    $"Frames {frames:x} of row {row} come back, and fewer are isolated.");
                Atomic.Add(ref _state->IsolatedFrames, 0UL - (ulong)BitOperations.PopCount(frames));
                Land(at - first); // [A11]
            }
            else
            {
                bad = bad < 0 ? first : bad;
            }
        }

        if (bad >= 0)
        {
            ThrowNotPutBack(ranges[bad].Frame, ranges[bad].Order);
        }
    }

    /// <summary>Isolates what can be swept of one row.</summary>
    /// <param name="at">First frame to look at; within the row, when the row before was taken in part.</param>
    /// <param name="scan">What to look for.</param>
    /// <param name="ranges">Where the pieces go.</param>
    /// <param name="behind">Where to go on: behind the row, behind what was taken of it, or where it was.</param>
    /// <param name="isFirst">Whether the call took nothing yet.</param>
    /// <param name="pieces">Pieces taken.</param>
    /// <returns>The frames taken.</returns>
    private ulong SweepRow(uint at, FrameScan scan, Span<FrameRange> ranges, ref uint behind, bool isFirst, out int pieces)
    {
        pieces = 0;
        uint first = at & ~(BitmapRow.Frames - 1u);
        ref ulong cell = ref Child(first / ChildWord.Frames);
        int slot = FreeSweptRow();
        if (slot < 0 || !ChildWord.TryChange(ref cell, new ChildTransitions.Sweep(RowOf(first)), out ChildWord before)) // [A14]
        {
            return 0;
        }

        // The row is read after its bit went off: whatever is freed later sets it again.
        uint granules = before.Touched >> (int)(first % ChildWord.Frames / ChildWord.GranuleFrames);
        ulong free = ~Atomic.LoadAcquire(ref Row(first)) & BitmapRow.FramesOf(granules);
        ulong whole = BitmapRow.BlocksIn(free, GranuleOrder) * BitmapRow.BlockMask(GranuleOrder);
        ulong loose = BitmapRow.BlocksIn(free & ~whole, scan.Order.Value) * BitmapRow.BlockMask(scan.Order.Value);
        loose &= ulong.MaxValue << (int)(at - first);
        ulong taken = Cut(loose, first, scan.Order.Value, ranges, out pieces);
        bool fits = taken == loose && (ulong)BitOperations.PopCount(taken) <= scan.FreeMax;
        if (!fits && !(isFirst && taken != loose && (ulong)BitOperations.PopCount(taken) <= scan.FreeMax))
        {
            // The next call has more room. Only a span that has too little for a row at the beginning gets a row by and by.
            taken = 0;
            behind = at;
        }
        else if (taken != 0 && !TryClaimSwept(first, taken, slot))
        {
            // Somebody took one of them. The row is for the next walk.
            taken = 0;
        }
        else if (!fits)
        {
            behind = first + BitmapRow.Frames - (uint)BitOperations.LeadingZeroCount(taken);
        }

        if (taken != loose || whole != 0 || at != first)
        {
            MarkUnswept(first, 1); // [A14]
        }

        pieces = taken != 0 ? pieces : 0;
        return taken;
    }

    /// <summary>Cuts frames of a row into the largest aligned pieces, lowest first, as many as there is room for.</summary>
    /// <returns>The frames of the pieces.</returns>
    private ulong Cut(ulong frames, uint first, int smallest, Span<FrameRange> ranges, out int pieces)
    {
        ulong cut = 0;
        pieces = 0;
        while (frames != 0 && pieces < ranges.Length)
        {
            int bit = BitOperations.TrailingZeroCount(frames);
            int order = GranuleOrder - 1;
            while (order > smallest && ((bit & ((1 << order) - 1)) != 0 || (~frames & (BitmapRow.BlockMask(order) << bit)) != 0))
            {
                order--;
            }

            ulong piece = BitmapRow.BlockMask(order) << bit;
            var frame = new Pfn(first + (uint)bit);
            Invariant.Assert(order >= smallest && (frame.Value & ((1u << order) - 1)) == 0, $"A piece of order {order} is cut at frame {frame}.");
            ranges[pieces++] = new FrameRange(frame, new Order(order), _zone.BaseAddress + frame.Offset);
            frames &= ~piece;
            cut |= piece;
        }

        return cut;
    }

    private bool TryClaimSwept(uint first, ulong frames, int slot)
    {
        uint child = first / ChildWord.Frames;
        uint count = (uint)BitOperations.PopCount(frames);
        if (!ChildWord.TryChange(ref Child(child), new ChildTransitions.TakeIsolated(count), out _)) // [A1]
        {
            return false;
        }

        if (!BitmapRow.TryChange(ref Row(first), frames, claim: true)) // [A2] pairs with [A3]
        {
            PutIsolated(child, count, rows: 0);
            return false;
        }

        Invariant.Assert(SlotOf(first / BitmapRow.Frames) != slot && frames != 0, $"Record {slot} of swept rows is in use.");
        Atomic.StoreRelease(ref _state->SweptFrames[slot], frames);
        Atomic.StoreRelease(ref _state->SweptRows[slot], (first / BitmapRow.Frames) + 1); // [A13]
        Invariant.Assert((Atomic.LoadAcquire(ref _state->SweptFrames[slot]) & frames) == frames, $"Record {slot} of swept rows was written by another reporter.");
        Atomic.Add(ref _state->IsolatedFrames, count);
        return true;
    }

    private bool TryPutBackRow(uint row, ulong frames, FrameContent content)
    {
        int slot = SlotOf(row);
        ulong swept = slot < 0 ? 0 : Atomic.LoadAcquire(ref _state->SweptFrames[slot]);
        if ((frames & ~swept) != 0)
        {
            return false;
        }

        Invariant.Assert(frames != 0 && slot >= 0, $"No frame of row {row} is put back.");

        // Off the record before the bits are released [A13].
        Atomic.StoreRelease(ref _state->SweptFrames[slot], swept & ~frames);
        if (swept == frames)
        {
            Atomic.StoreRelease(ref _state->SweptRows[slot], 0u);
        }

        uint first = row * BitmapRow.Frames;
        uint child = first / ChildWord.Frames;
        uint count = (uint)BitOperations.PopCount(frames);
        if (BitmapRow.TryChange(ref Row(first), frames, claim: false)) // [A3]
        {
            PutIsolated(child, count, content == FrameContent.Unknown ? RowOf(first) : 0); // [A4]
            return true;
        }

        // Somebody freed one of them once more between the claim and the record: as with other pieces, all of them stay as they are.
        ChildWord.TryChange(ref Child(child), new ChildTransitions.ForgetIsolated(count), out _);
        Atomic.Add(ref _state->IsolatedFrames, 0UL - count);
        Land(1); // [A11]
        return false;
    }

    /// <summary>Frees or claims in some rows may have left frames that are not swept.</summary>
    private void MarkUnswept(uint frame, uint frames) =>
        ChildWord.TryChange(ref Child(frame / ChildWord.Frames), new ChildTransitions.MarkUnswept(RowsOf(frame, frames)), out _);

    /// <summary>Free frames of touched granules in rows that are swept: the operating system has them.</summary>
    private uint CountSwept(uint child, ChildWord word)
    {
        uint swept = 0;
        uint rows = word.State == ChildState.Frames && word.Used != 0 && word.FreeTouched > 0 ? ~word.Unswept & ChildWord.AllRows : 0;
        for (; rows != 0; rows &= rows - 1)
        {
            int row = BitOperations.TrailingZeroCount(rows);
            ulong free = ~Atomic.LoadAcquire(ref Row((child * ChildWord.Frames) + (uint)(row * BitmapRow.Frames)));
            swept += (uint)BitOperations.PopCount(free & BitmapRow.FramesOf(word.Touched >> (row * BitmapRow.Granules)));
        }

        return swept;
    }

    /// <summary>Whether any of some frames of one child is isolated by a sweep.</summary>
    private bool AreAnySwept(uint frame, uint frames)
    {
        for (int slot = 0; slot < LockFreeState.SweptMax; slot++)
        {
            // [A13]: the row is read first, so its frames are at least those of that row's record, or of a later one.
            uint row = Atomic.LoadAcquire(ref _state->SweptRows[slot]);
            ulong swept = Atomic.LoadAcquire(ref _state->SweptFrames[slot]);
            for (uint f = frame; row != 0 && f < frame + frames; f = NextRow(f))
            {
                if (f / BitmapRow.Frames == row - 1 && (swept & RowMask(f, frame + frames)) != 0)
                {
                    return true;
                }
            }
        }

        return false;
    }

    private int SlotOf(uint row)
    {
        for (int slot = 0; slot < LockFreeState.SweptMax; slot++)
        {
            if (Atomic.LoadAcquire(ref _state->SweptRows[slot]) == row + 1)
            {
                return slot;
            }
        }

        return -1;
    }

    /// <summary>A place for the record of another row, or −1: somebody keeps the rows of several sweeps.</summary>
    private int FreeSweptRow()
    {
        for (int slot = 0; slot < LockFreeState.SweptMax; slot++)
        {
            if (Atomic.LoadAcquire(ref _state->SweptRows[slot]) == 0)
            {
                return slot;
            }
        }

        return -1;
    }
}
