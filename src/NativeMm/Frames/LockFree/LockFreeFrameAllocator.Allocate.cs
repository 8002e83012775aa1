using System.Numerics;
using System.Runtime.CompilerServices;
using NativeMm.Diagnostics;
using NativeMm.Primitives;

namespace NativeMm.Frames;

/// <content>Taking blocks: out of the core's own tree here; the search for another one is in the part about searching.</content>
public sealed unsafe partial class LockFreeFrameAllocator
{
    internal const string PauseFound = "take: found, not counted";
    internal const string PauseCounted = "take: counted, not claimed";
    internal const string PauseClaimed = "take: claimed, word not read again";

    private const uint NoFrame = uint.MaxValue;

    /// <inheritdoc/>
    public bool TryAllocate(Order order, FrameFlags flags, out Pfn frame, out bool knownZero)
    {
        ThrowIfDisposed();
        int o = order.Value;
        ref uint reservation = ref ReservationOfThisCore(KindFor(o, flags));
        var word = new ReservationWord(Atomic.LoadAcquire(ref reservation));
        if (o <= BitmapRow.OrderMax && word.HasTree && (flags & FrameFlags.Zeroed) == 0)
        {
            uint taken = TakeTouched(word.Tree, o);
            if (taken != NoFrame)
            {
                frame = new Pfn(taken);
                knownZero = false;
                return true;
            }
        }

        return TryAllocateSlow(ref reservation, FrameRun.Block(o), flags, out frame, out knownZero);
    }

    /// <inheritdoc/>
    /// <remarks>The run's bits are claimed and no others, so a hole of its length is enough, and what lies behind it is not touched.</remarks>
    public bool TryAllocateExact(uint frames, FrameFlags flags, out Pfn first, out bool knownZero)
    {
        var run = FrameRun.Of(frames);
        return run.IsBlock
            ? TryAllocate(new Order(run.Order), flags, out first, out knownZero)
            : TryAllocateSlow(ref ReservationOfThisCore(KindFor(0, flags)), run, flags, out first, out knownZero);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TreeKind KindFor(int order, FrameFlags flags)
    {
        // Two bits for each combination of movable (1) and reclaimable (2): whoever is both is movable.
        const int KindOfFlags = 0b01_10_01_00;
        return order >= HugeOrder ? TreeKind.Huge : (TreeKind)(KindOfFlags >> ((int)flags & (int)(FrameFlags.Movable | FrameFlags.Reclaimable)) & 3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ref uint ReservationOfThisCore(TreeKind kind) => ref _cores[CoreId.CurrentHint.Value & _coreMask].Words[(int)kind];

    /// <summary>
    /// The hot path: takes a block of order 6 at most out of memory that was touched before, the lowest that fits. Everything stays in registers.
    /// </summary>
    /// <returns>The first frame, or <see cref="NoFrame"/>.</returns>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private uint TakeTouched(uint tree, int order)
    {
        Invariant.Assert(tree < _treeCount && order <= BitmapRow.OrderMax, $"A block of order {order} is looked for in tree {tree} of {_treeCount}.");
        ulong* children = _trees[tree].Children;
        for (uint i = 0; i < FrameTree.ChildCount; i++)
        {
            // A stale word is harmless: the CAS decides.
            var word = new ChildWord(Atomic.LoadAcquire(ref children[i]));
            if (word.FreeTouched >= 1 << order)
            {
                // Find before counting: a child without a fitting block is not written at all.
                uint row = ((tree * FrameTree.ChildCount) + i) * BitmapRow.PerChild;
                uint granules = word.Touched;
                for (uint end = row + BitmapRow.PerChild; row < end; row++, granules >>= BitmapRow.Granules)
                {
                    ulong blocks = ~Atomic.LoadAcquire(ref _rows[row]);
                    if (blocks == 0)
                    {
                        continue;
                    }

                    if ((granules & BitmapRow.AllGranules) != BitmapRow.AllGranules)
                    {
                        blocks &= BitmapRow.FramesOf(granules);
                    }

                    blocks = BitmapRow.BlocksIn(blocks, order);
                    if (blocks != 0)
                    {
                        uint taken = TakeFound(ref children[i], row, BitOperations.TrailingZeroCount(blocks), order);
                        if (taken != NoFrame)
                        {
                            return taken;
                        }

                        break;
                    }
                }
            }
        }

        return NoFrame;
    }

    /// <summary>Counts a block out that was found free a moment ago, and claims it or another one in the same child.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private uint TakeFound(ref ulong cell, uint row, int bit, int order)
    {
        uint frame = (row * BitmapRow.Frames) + (uint)bit;
        Invariant.Assert((frame & ((1u << order) - 1)) == 0 && frame + (1u << order) <= _frameCount, $"A block of order {order} was found at frame {frame} of {_frameCount}.");
        if (!ChildWord.TryChange(ref cell, new ChildTransitions.Take(1u << order), out _)) // [A1]
        {
            return NoFrame;
        }

        if (!BitmapRow.TryChange(ref _rows[row], BitmapRow.BlockMask(order) << bit, claim: true)) // [A2] pairs with [A3]
        {
            return ClaimElsewhere(frame / ChildWord.Frames, order);
        }

        if ((new ChildWord(Atomic.LoadAcquire(ref cell)).Untouched & GranulesOf(frame, order)) != 0) // [A7]
        {
            Touch(ref cell, GranulesOf(frame, order));
        }

        return frame;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private uint ClaimElsewhere(uint child, int order)
    {
        ref ulong cell = ref Child(child);
        if (!TryClaimElsewhere(child, FrameRun.Block(order), new ChildWord(Atomic.LoadAcquire(ref cell)).Touched, out uint frame))
        {
            return NoFrame;
        }

        Invariant.Assert(frame / ChildWord.Frames == child, $"A block of child {child} was found at frame {frame}.");
        Touch(ref cell, GranulesOf(frame, order));
        return frame;
    }

    /// <summary>Takes a block out of a tree: memory that was touched before first, then the lowest address.</summary>
    private bool TryTakeFromTree(uint tree, FrameRun run, out uint frame, out bool knownZero) =>
        TryTakeTouched(tree, run, out frame, out knownZero) || TryTakeUntouched(tree, run, out frame, out knownZero);

    private bool TryTakeTouched(uint tree, FrameRun run, out uint frame, out bool knownZero)
    {
        if (run.IsWhole)
        {
            return TryTakeHuge(tree, run.Order, touchedOnly: true, out frame, out knownZero);
        }

        uint first = tree * FrameTree.ChildCount;
        for (uint i = 0; i < FrameTree.ChildCount; i++)
        {
            // A stale word is harmless: the CAS in TryTakeFromChild decides.
            if (ReadChild(first + i).FreeTouched >= (int)run.Frames
                && TryTakeFromChild(first + i, run, touchedOnly: true, out frame, out knownZero))
            {
                return true;
            }
        }

        frame = 0;
        knownZero = false;
        return false;
    }

    private bool TryTakeUntouched(uint tree, FrameRun run, out uint frame, out bool knownZero)
    {
        if (run.IsWhole)
        {
            return TryTakeHuge(tree, run.Order, touchedOnly: false, out frame, out knownZero);
        }

        uint first = tree * FrameTree.ChildCount;
        for (uint i = 0; i < FrameTree.ChildCount; i++)
        {
            if (ReadChild(first + i).Free >= run.Frames && TryTakeFromChild(first + i, run, touchedOnly: false, out frame, out knownZero))
            {
                return true;
            }
        }

        frame = 0;
        knownZero = false;
        return false;
    }

    private bool TryTakeFromChild(uint child, FrameRun run, bool touchedOnly, out uint frame, out bool knownZero) =>
        TryTakeFromChild<NoPause>(child, run, touchedOnly, out frame, out knownZero);

    /// <summary>Takes a block of order 8 at most, or a run of less than 2 MiB, out of a child.</summary>
    /// <typeparam name="TPause">Where a race test holds the thread.</typeparam>
    internal bool TryTakeFromChild<TPause>(uint child, FrameRun run, bool touchedOnly, out uint frame, out bool knownZero)
        where TPause : struct, IPausePoint
    {
        ref ulong cell = ref Child(child);
        uint granules = touchedOnly ? new ChildWord(Atomic.LoadAcquire(ref cell)).Touched : ChildWord.AllGranules;
        knownZero = false;

        // Find before counting: a child without a fitting block is not written at all.
        if (TryFindBlock(child, run, granules, out frame))
        {
            TPause.Reach(PauseFound);
            if (ChildWord.TryChange(ref cell, new ChildTransitions.Take(run.Frames), out _)) // [A1]
            {
                TPause.Reach(PauseCounted);
                if (TryClaimRun(frame, run) // [A2] pairs with [A3]
                    || TryClaimElsewhere(child, run, granules, out frame))
                {
                    Invariant.Assert(
                        frame / ChildWord.Frames == child && (frame & ((1u << run.Order) - 1)) == 0,
                        $"A run of {run.Frames} frames of child {child} was claimed at frame {frame}.");
                    TPause.Reach(PauseClaimed);
                    uint block = GranulesOf(frame, run);
                    if ((new ChildWord(Atomic.LoadAcquire(ref cell)).Untouched & block) != 0) // [A7]
                    {
                        knownZero = Touch(ref cell, block);
                    }

                    return true;
                }
            }
        }

        return false;
    }

    /// <summary>The frames are counted out, but somebody else took the block: look for another one in the same child, or count them in.</summary>
    private bool TryClaimElsewhere(uint child, FrameRun run, uint granules, out uint frame)
    {
        while (TryFindBlock(child, run, granules, out frame))
        {
            if (TryClaimRun(frame, run)) // [A2] pairs with [A3]
            {
                return true;
            }
        }

        Invariant.Assert(run.Frames <= ChildWord.Frames, $"A run of {run.Frames} frames is put back into one child.");
        Put(child, run.Frames, rows: 0);
        return false;
    }

    /// <summary>Marks the granules of a block that the caller owns as touched.</summary>
    /// <returns>Whether the block was known to be zero at that moment.</returns>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool Touch(ref ulong child, uint granules) =>
        ChildWord.TryChange(ref child, new ChildTransitions.Touch(granules), out ChildWord before) // [A8]
        && before.IsKnownZero(granules);

    /// <summary>Looks for a free block in some granules of a child. What it finds may be gone a moment later.</summary>
    private bool TryFindBlock(uint child, FrameRun run, uint granules, out uint frame)
    {
        int order = run.Order;
        if (order > BitmapRow.OrderMax || !run.IsBlock)
        {
            return TryFindRows(child, run, granules, out frame);
        }

        uint first = child * ChildWord.Frames;
        ulong* rows = _rows + (first / BitmapRow.Frames);
        for (int r = 0; r < BitmapRow.PerChild; r++)
        {
            ulong free = ~Atomic.LoadAcquire(ref rows[r]);
            if (free != 0)
            {
                free &= granules == ChildWord.AllGranules ? free : BitmapRow.FramesOf(granules >> (r * BitmapRow.Granules));
                free = BitmapRow.BlocksIn(free, order);
                if (free != 0)
                {
                    frame = first + ((uint)r * BitmapRow.Frames) + (uint)BitOperations.TrailingZeroCount(free);
                    return true;
                }
            }
        }

        frame = 0;
        return false;
    }

    /// <summary>The same for orders 7 and 8, which are two or four whole rows, and for runs, which end anywhere.</summary>
    private bool TryFindRows(uint child, FrameRun run, uint granules, out uint frame)
    {
        Invariant.Assert(!run.IsWhole && child < _childCount, $"A run of {run.Frames} frames is looked for in the rows of child {child}.");
        for (uint offset = 0; offset < ChildWord.Frames; offset += 1u << run.Order)
        {
            frame = (child * ChildWord.Frames) + offset;
            uint block = GranulesOf(frame, run);
            if ((granules & block) == block && AreFree(frame, run.Frames))
            {
                return true;
            }
        }

        frame = 0;
        return false;
    }

    private bool AreFree(uint frame, uint frames)
    {
        ulong taken = 0;
        for (uint f = frame; f < frame + frames; f = NextRow(f))
        {
            taken |= Atomic.LoadAcquire(ref Row(f)) & RowMask(f, frame + frames);
        }

        return taken == 0;
    }

    private bool TryClaimBlock(uint frame, int order) =>
        order <= BitmapRow.OrderMax
            ? BitmapRow.TryChange(ref Row(frame), BitmapRow.BlockMask(order) << (int)(frame % BitmapRow.Frames), claim: true)
            : TryClaimRows(frame, 1u << order);

    private bool TryClaimRun(uint frame, FrameRun run) => run.IsBlock ? TryClaimBlock(frame, run.Order) : TryClaimRows(frame, run.Frames);

    /// <summary>Claims all frames of a run, or none: rows are claimed upwards, and those claimed are released when one is not free.</summary>
    private bool TryClaimRows(uint frame, uint frames)
    {
        uint end = frame + frames;
        Invariant.Assert(frame / ChildWord.Frames == (end - 1) / ChildWord.Frames, $"The frames from {frame} to {end} are claimed in two children.");
        for (uint f = frame; f < end; f = NextRow(f))
        {
            if (!BitmapRow.TryChange(ref Row(f), RowMask(f, end), claim: true))
            {
                if (f > frame)
                {
                    // A reporter may have looked at the rows in between, and found nothing to sweep there.
                    ReleaseRows(frame, f);
                    MarkUnswept(frame, f - frame); // [A14]
                }

                return false;
            }
        }

        return true;
    }

    /// <summary>First frame of the row behind the one that a frame lies in.</summary>
    private static uint NextRow(uint frame) => (frame | (BitmapRow.Frames - 1)) + 1;

    /// <summary>The bits of a frame and those behind it in its row, up to the end of a run.</summary>
    private static ulong RowMask(uint frame, uint end)
    {
        Invariant.Assert(frame < end, $"The frames from {frame} to {end} are none.");
        uint last = Math.Min(end, NextRow(frame)) - 1;
        return (ulong.MaxValue >> (int)(BitmapRow.Frames - 1 - (last - frame))) << (int)(frame % BitmapRow.Frames);
    }

    /// <summary>The rows of its child that some frames lie in, a bit each.</summary>
    private static uint RowsOf(uint frame, uint frames)
    {
        Invariant.Assert(frames != 0 && (frame % ChildWord.Frames) + frames <= ChildWord.Frames, $"{frames} frames from {frame} on lie in rows of one child.");
        uint row = frame % ChildWord.Frames / BitmapRow.Frames;
        uint last = ((frame % ChildWord.Frames) + frames - 1) / BitmapRow.Frames;
        return (2u << (int)last) - (1u << (int)row);
    }

    /// <summary>The granules of its child that a run lies in, of the last one perhaps a part.</summary>
    private static uint GranulesOf(uint frame, FrameRun run)
    {
        int granules = (int)(run.Frames + ChildWord.GranuleFrames - 1) / ChildWord.GranuleFrames;
        return run.IsBlock
            ? GranulesOf(frame, run.Order)
            : (uint)((1UL << granules) - 1) << (int)(frame % ChildWord.Frames / ChildWord.GranuleFrames);
    }

    /// <summary>The granules of its child that a block lies in, order 8 at most.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint GranulesOf(uint frame, int order)
    {
        Invariant.Assert(order < HugeOrder && (frame & ((1u << order) - 1)) == 0, $"A block of order {order} at frame {frame} lies in granules of one child.");
        int granule = (int)(frame % ChildWord.Frames) / ChildWord.GranuleFrames;
        return order <= GranuleOrder ? 1u << granule : ((1u << (1 << (order - GranuleOrder))) - 1) << granule;
    }
}
