using System.Numerics;
using System.Runtime.CompilerServices;
using NativeMm.Diagnostics;
using NativeMm.Primitives;

namespace NativeMm.Frames;

/// <content>
/// Taking free blocks out so that their pages can go back to the operating system. An isolated block is allocated as far as words and bitmaps
/// go, so no allocation can meet it. What tells it apart is the state of its children from order 9 on and its signature below; and a counter.
/// </content>
public sealed unsafe partial class LockFreeFrameAllocator
{
    /// <inheritdoc/>
    /// <remarks>
    /// Blocks of order 4 (64 KiB) and more are offered once and not again until they were allocated. Of smaller ones this does not remember what
    /// went back: a reporter sweeps them row by row instead.
    /// </remarks>
    public int Isolate(Order order, Span<Pfn> blocks, ref uint cursor)
    {
        using EndGate.Visit inside = _end.Visiting(this);
        uint at = FirstFrom(cursor, order);
        int count = 0;
        Atomic.Add(ref _state->InFlight, (ulong)blocks.Length); // [A10]
        while (count < blocks.Length && TryIsolateNext(new FrameScan(order, order, ulong.MaxValue, ulong.MaxValue), ref at, out FrameRange range))
        {
            blocks[count++] = range.Frame;
        }

        Land(blocks.Length - count); // [A11]
        cursor = IsThrough(at, order) ? 0 : at;
        return count;
    }

    /// <summary>The same for a reporter, with what the operating system may hold of each block.</summary>
    /// <param name="scan">What to look for.</param>
    /// <param name="ranges">Where the blocks go.</param>
    /// <param name="cursor">Where to go on in the zone; 0 again when the end was reached.</param>
    /// <param name="isThrough">Whether the end was reached; otherwise the span is full, or the next block holds too much.</param>
    /// <returns>How many it found.</returns>
    internal int Isolate(FrameScan scan, Span<FrameRange> ranges, ref uint cursor, out bool isThrough)
    {
        uint at = FirstFrom(cursor, scan.Order);
        int count = 0;
        Atomic.Add(ref _state->InFlight, (ulong)ranges.Length); // [A10]
        while (count < ranges.Length && TryIsolateNext(scan, ref at, out FrameRange range))
        {
            ranges[count++] = range;
            scan = scan with { HeldMax = scan.HeldMax - Math.Min(scan.HeldMax, range.HeldFrames), FreeMax = scan.FreeMax - scan.Order.Frames };
        }

        Land(ranges.Length - count); // [A11]
        isThrough = IsThrough(at, scan.Order);
        cursor = isThrough ? 0 : at;
        return count;
    }

    /// <inheritdoc/>
    public void PutBack(ReadOnlySpan<Pfn> blocks, Order order, FrameContent content)
    {
        using EndGate.Visit inside = _end.Visiting(this);
        int bad = -1;
        for (int i = 0; i < blocks.Length; i++)
        {
            bool isBack = IsBlock(blocks[i], order) && (order.Value >= HugeOrder
                ? TryFreeHuge(blocks[i], order, WholeStates.Isolated, content)
                : TryPutBackPiece(blocks[i], order, content));
            if (isBack)
            {
                Invariant.Assert(Atomic.LoadAcquire(ref _state->InFlight) != 0, $"Block {blocks[i]} of order {order} comes back, and none is out.");
                Invariant.Assert(Atomic.LoadAcquire(ref _state->IsolatedFrames) >= order.Frames, $"Block {blocks[i]} of order {order} comes back, and fewer frames are isolated.");
                Atomic.Add(ref _state->IsolatedFrames, 0UL - order.Frames);
                Land(1); // [A11]
            }
            else if (bad < 0)
            {
                bad = i;
            }
        }

        if (bad >= 0)
        {
            ThrowNotPutBack(blocks[bad], order);
        }
    }

    /// <summary>
    /// Counts what is allocated and what the operating system may hold for nobody: one look at each word up to the frontier, nothing kept on the
    /// paths that allocate and free.
    /// </summary>
    internal FrameUse SampleUse()
    {
        ulong used = 0;
        ulong unreported = 0;
        uint children = Math.Min(_childCount, Frontier * FrameTree.ChildCount);
        for (uint child = 0; child < children; child++)
        {
            // Each word is of another moment; an estimate is all that the pace needs.
            ChildWord word = ReadChild(child);
            used += word.Used;
            unreported += (ulong)Math.Max(0, word.FreeTouched - (int)CountSwept(child, word));
        }

        return new FrameUse(used - Math.Min(used, Atomic.LoadAcquire(ref _state->IsolatedFrames)), unreported);
    }

    /// <summary>How many frames are free; looks no further than to have found enough.</summary>
    internal ulong CountFree(ulong enough)
    {
        uint children = Math.Min(_childCount, Frontier * FrameTree.ChildCount);
        ulong free = (ulong)(_childCount - children) * ChildWord.Frames;
        for (uint child = 0; child < children && free < enough; child++)
        {
            free += ReadChild(child).Free;
        }

        return free;
    }

    /// <inheritdoc/>
    IReportableFrames IFrameSource.Reportable(IFrameAllocator surface, BuddyReportScheme scheme) => new LockFreeReportableFrames(this, surface);

    /// <inheritdoc/>
    IsolationMark IFrameSource.ReadIsolation() => ReadIsolation();

    /// <inheritdoc/>
    ulong IFrameSource.CountFreeFrames() => CountFree(ulong.MaxValue);

    /// <inheritdoc/>
    /// <remarks>Reservations hold no frames.</remarks>
    ulong IFrameSource.DrainIdle() => 0;

    private IsolationMark ReadIsolation()
    {
        // In this order: when nothing is in flight any more, whatever was is counted as put back.
        bool isAnyOut = Atomic.LoadAcquire(ref _state->InFlight) != 0; // [A12]
        return new IsolationMark(Atomic.LoadAcquire(ref _state->PutBacks), isAnyOut); // [A12]
    }

    private void Land(int blocks)
    {
        Invariant.Assert(blocks >= 0 && Atomic.LoadAcquire(ref _state->InFlight) >= (ulong)blocks, $"{blocks} blocks land, and fewer are in flight.");
        Atomic.Add(ref _state->PutBacks, 1UL);
        Atomic.Add(ref _state->InFlight, 0UL - (ulong)blocks);
    }

    private bool IsBlock(Pfn frame, Order order) =>
        frame.Value < _frameCount && (frame.Value & (order.Frames - 1)) == 0 && _frameCount - frame.Value >= order.Frames;

    // Behind the frontier nothing was ever used.
    private uint ScanEnd => (uint)Math.Min(_frameCount, (ulong)Frontier << FrameTree.FrameShift);

    private uint FirstFrom(uint cursor, Order order) => (uint)Math.Min(((ulong)cursor + order.Frames - 1) & ~((ulong)order.Frames - 1), ScanEnd);

    private bool IsThrough(uint at, Order order) => (ulong)at + order.Frames > ScanEnd;

    /// <summary>Isolates the next block that the operating system may hold pages of.</summary>
    /// <param name="scan">What to look for.</param>
    /// <param name="at">Where to go on; it stays at a block that holds too much.</param>
    /// <param name="range">The block.</param>
    private bool TryIsolateNext(FrameScan scan, ref uint at, out FrameRange range)
    {
        uint size = scan.Order.Frames;
        uint end = ScanEnd;
        for (; at < end && end - at >= size; at += size)
        {
            if (scan.Order.Value < HugeOrder)
            {
                ChildWord word = ReadChild(at / ChildWord.Frames);
                if (word.Free < size || word.FreeTouched <= 0)
                {
                    // Nothing in this child: go on with the next one.
                    at = (at | (ChildWord.Frames - 1)) + 1 - size;
                    continue;
                }
            }

            if (scan.Whole > scan.Order && IsWhole(at & ~(scan.Whole.Frames - 1), scan.Whole))
            {
                at = (at | (scan.Whole.Frames - 1)) + 1 - size;
                continue;
            }

            uint held = HeldIfFree(at, scan.Order.Value);
            if (held > scan.HeldMax || (held != 0 && size > scan.FreeMax))
            {
                break;
            }

            if (held != 0 && TryIsolate(at, scan.Order.Value, out held))
            {
                Atomic.Add(ref _state->IsolatedFrames, size);
                Invariant.Assert(held is not 0 && held <= size && (at & (size - 1)) == 0, $"{held} frames of block {at} of order {scan.Order} are held.");
                var block = new Pfn(at);
                range = new FrameRange(block, scan.Order, _zone.BaseAddress + block.Offset) { ReportedFrames = size - held };
                at += size;
                return true;
            }
        }

        range = default;
        return false;
    }

    /// <summary>Whether a block lies in the zone and is free as a whole, at this moment.</summary>
    private bool IsWhole(uint frame, Order order)
    {
        uint child = frame / ChildWord.Frames;
        return order.Value switch
        {
            < HugeOrder => CountTaken(frame, order.Value) == 0 && ReadChild(child).State == ChildState.Frames,
            HugeOrder => IsEntirelyFree(child),
            _ => IsEntirelyFree(child) && IsEntirelyFree(child + 1),
        };
    }

    /// <summary>Frames that the operating system may hold of a block that is free as a whole, otherwise 0. A hint: the claim decides.</summary>
    private uint HeldIfFree(uint frame, int order)
    {
        uint child = frame / ChildWord.Frames;
        ChildWord word = ReadChild(child);
        if (order < HugeOrder)
        {
            uint held = HeldOf(word, frame, order);
            return held != 0 && CountTaken(frame, order) == 0 ? held : 0;
        }

        ChildWord second = order > HugeOrder ? ReadChild(child + 1) : default;
        return word.IsEntirelyFree && second.IsEntirelyFree ? word.TouchedFrames + second.TouchedFrames : 0;
    }

    /// <summary>Frames in the touched granules of a block of order 8 at most. Of less than a granule nothing is remembered, so all of it counts.</summary>
    private static uint HeldOf(ChildWord word, uint frame, int order)
    {
        Invariant.Assert(order < HugeOrder, $"A block of order {order} is held by parts.");
        uint granules = (uint)BitOperations.PopCount(word.Touched & GranulesOf(frame, order));
        return Math.Min(granules * ChildWord.GranuleFrames, 1u << order);
    }

    /// <summary>Below order 9: the block is claimed in the bitmap, and its signature says for whom.</summary>
    /// <returns>Whether it was isolated and is free now.</returns>
    private bool TryPutBackPiece(Pfn block, Order order, FrameContent content)
    {
        if (SignedOrderOf(block.Value) != order.Value)
        {
            return false;
        }

        bool isWhole = CountTaken(block.Value, order.Value) == order.Frames;
        uint child = block.Value / ChildWord.Frames;
        SignatureWord.Unsign(ref Signature(block.Value), block.Value); // [A13]
        Invariant.Assert(order.Value < HugeOrder && ReadChild(child).State == ChildState.Frames, $"A piece of order {order} comes back to child {child}, which is {ReadChild(child)}.");
        if (isWhole)
        {
            Report(block.Value, order.Value, content);
            ReleaseRows(block.Value, block.Value + order.Frames);
            PutIsolated(child, order.Frames, content == FrameContent.Unknown ? RowsOf(block.Value, order.Frames) : 0);
            return true;
        }

        // Somebody freed frames of it once more in the moment between the claim and the signature, which the path that frees cannot see. Whose they
        // are now nobody knows, so all of them stay as they are.
        ChildWord.TryChange(ref Child(child), new ChildTransitions.ForgetIsolated(order.Frames), out _);
        Atomic.Add(ref _state->IsolatedFrames, 0UL - order.Frames);
        Land(1); // [A11]
        return false;
    }

    private void PutIsolated(uint child, uint frames, uint rows)
    {
        Invariant.Assert(frames is not 0 and <= ChildWord.Frames && child < _childCount, $"{frames} isolated frames of child {child} come back.");
        if (!ChildWord.TryChange(ref Child(child), new ChildTransitions.PutIsolated(frames, rows), out ChildWord word)) // [A4]
        {
            ThrowMiscounted(child, word, frames);
        }
    }

    internal ref ulong Signature(uint frame) => ref _signatures[frame / ChildWord.GranuleFrames];

    /// <summary>Order of the isolated block below order 9 that begins at a frame, or −1.</summary>
    private int SignedOrderOf(uint frame) => SignatureWord.Read(ref Signature(frame)).OrderAt(frame); // [A13]

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void ThrowNotPutBack(Pfn block, Order order)
    {
        if (!IsBlock(block, order))
        {
            FrameFault.ThrowNotABlock(_zone, block, order);
        }

        FrameFault.ThrowNotIsolated(_zone, block, order);
    }

    private bool TryIsolate(uint frame, int order, out uint held)
    {
        uint child = frame / ChildWord.Frames;
        if (order >= HugeOrder)
        {
            return TryClaimWhole(child, order, WholeStates.Isolated, out held, out _);
        }

        held = 0;
        if (!ChildWord.TryChange(ref Child(child), new ChildTransitions.TakeIsolated(1u << order), out _)) // [A1]
        {
            return false;
        }

        if (!TryClaimBlock(frame, order)) // [A2] pairs with [A3]
        {
            PutIsolated(child, 1u << order, rows: 0);
            return false;
        }

        // A block of several granules may hold untouched ones: only free frames are untouched.
        ChildWord.TryChange(ref Child(child), new ChildTransitions.Touch(GranulesOf(frame, order)), out ChildWord before); // [A8]
        held = HeldOf(before, frame, order);
        Invariant.Assert(held <= 1u << order, $"{held} frames of block {frame} of order {order} are held.");
        Invariant.Assert(before.Isolated >= 1u << order && before.State == ChildState.Frames, $"Block {frame} of order {order} was isolated in a child that is {before}.");
        SignatureWord.Sign(ref Signature(frame), frame, order); // [A13]
        return true;
    }

    /// <summary>Writes down that whole granules went to the operating system, while their frames still belong to the caller.</summary>
    private void Report(uint frame, int order, FrameContent content)
    {
        if (order >= GranuleOrder && content != FrameContent.Unknown)
        {
            ChildWord.TryChange(
                ref Child(frame / ChildWord.Frames),
                new ChildTransitions.Report(GranulesOf(frame, order), content == FrameContent.ReportedZero), // [A9]
                out _);
        }
    }
}
