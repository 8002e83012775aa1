using System.Numerics;
using System.Runtime.CompilerServices;
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

        return TryAllocateSlow(ref reservation, o, flags, out frame, out knownZero);
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
        if (!TryClaimElsewhere(child, order, new ChildWord(Atomic.LoadAcquire(ref cell)).Touched, out uint frame))
        {
            return NoFrame;
        }

        Touch(ref cell, GranulesOf(frame, order));
        return frame;
    }

    /// <summary>Takes a block out of a tree: memory that was touched before first, then the lowest address.</summary>
    private bool TryTakeFromTree(uint tree, int order, out uint frame, out bool knownZero) =>
        TryTakeTouched(tree, order, out frame, out knownZero) || TryTakeUntouched(tree, order, out frame, out knownZero);

    private bool TryTakeTouched(uint tree, int order, out uint frame, out bool knownZero)
    {
        if (order >= HugeOrder)
        {
            return TryTakeHuge(tree, order, touchedOnly: true, out frame, out knownZero);
        }

        uint first = tree * FrameTree.ChildCount;
        for (uint i = 0; i < FrameTree.ChildCount; i++)
        {
            // A stale word is harmless: the CAS in TryTakeFromChild decides.
            if (ReadChild(first + i).FreeTouched >= 1 << order
                && TryTakeFromChild(first + i, order, touchedOnly: true, out frame, out knownZero))
            {
                return true;
            }
        }

        frame = 0;
        knownZero = false;
        return false;
    }

    private bool TryTakeUntouched(uint tree, int order, out uint frame, out bool knownZero)
    {
        if (order >= HugeOrder)
        {
            return TryTakeHuge(tree, order, touchedOnly: false, out frame, out knownZero);
        }

        uint first = tree * FrameTree.ChildCount;
        for (uint i = 0; i < FrameTree.ChildCount; i++)
        {
            if (ReadChild(first + i).Free >= 1u << order && TryTakeFromChild(first + i, order, touchedOnly: false, out frame, out knownZero))
            {
                return true;
            }
        }

        frame = 0;
        knownZero = false;
        return false;
    }

    private bool TryTakeFromChild(uint child, int order, bool touchedOnly, out uint frame, out bool knownZero) =>
        TryTakeFromChild<NoPause>(child, order, touchedOnly, out frame, out knownZero);

    /// <summary>Takes a block of order 8 at most out of a child.</summary>
    /// <typeparam name="TPause">Where a race test holds the thread.</typeparam>
    internal bool TryTakeFromChild<TPause>(uint child, int order, bool touchedOnly, out uint frame, out bool knownZero)
        where TPause : struct, IPausePoint
    {
        ref ulong cell = ref Child(child);
        uint granules = touchedOnly ? new ChildWord(Atomic.LoadAcquire(ref cell)).Touched : ChildWord.AllGranules;
        knownZero = false;

        // Find before counting: a child without a fitting block is not written at all.
        if (TryFindBlock(child, order, granules, out frame))
        {
            TPause.Reach(PauseFound);
            if (ChildWord.TryChange(ref cell, new ChildTransitions.Take(1u << order), out _)) // [A1]
            {
                TPause.Reach(PauseCounted);
                if (TryClaimBlock(frame, order) // [A2] pairs with [A3]
                    || TryClaimElsewhere(child, order, granules, out frame))
                {
                    TPause.Reach(PauseClaimed);
                    uint block = GranulesOf(frame, order);
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
    private bool TryClaimElsewhere(uint child, int order, uint granules, out uint frame)
    {
        while (TryFindBlock(child, order, granules, out frame))
        {
            if (TryClaimBlock(frame, order)) // [A2] pairs with [A3]
            {
                return true;
            }
        }

        Put(child, 1u << order);
        return false;
    }

    /// <summary>Marks the granules of a block that the caller owns as touched.</summary>
    /// <returns>Whether the block was known to be zero at that moment.</returns>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool Touch(ref ulong child, uint granules) =>
        ChildWord.TryChange(ref child, new ChildTransitions.Touch(granules), out ChildWord before) // [A8]
        && before.IsKnownZero(granules);

    /// <summary>Looks for a free block in some granules of a child. What it finds may be gone a moment later.</summary>
    private bool TryFindBlock(uint child, int order, uint granules, out uint frame)
    {
        if (order > BitmapRow.OrderMax)
        {
            return TryFindRows(child, order, granules, out frame);
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

    /// <summary>The same for orders 7 and 8: two or four whole rows.</summary>
    private bool TryFindRows(uint child, int order, uint granules, out uint frame)
    {
        for (uint offset = 0; offset < ChildWord.Frames; offset += 1u << order)
        {
            frame = (child * ChildWord.Frames) + offset;
            uint block = GranulesOf(frame, order);
            if ((granules & block) == block && AreRowsFree(frame, order))
            {
                return true;
            }
        }

        frame = 0;
        return false;
    }

    private bool AreRowsFree(uint frame, int order)
    {
        ulong taken = 0;
        for (uint f = frame; f < frame + (1u << order); f += BitmapRow.Frames)
        {
            taken |= Atomic.LoadAcquire(ref Row(f));
        }

        return taken == 0;
    }

    private bool TryClaimBlock(uint frame, int order) =>
        order <= BitmapRow.OrderMax
            ? BitmapRow.TryChange(ref Row(frame), BitmapRow.BlockMask(order) << (int)(frame % BitmapRow.Frames), claim: true)
            : TryClaimRows(frame, order);

    /// <summary>Claims two or four rows, or none: rows are claimed upwards, and those claimed are released when one is not free.</summary>
    private bool TryClaimRows(uint frame, int order)
    {
        for (uint f = frame; f < frame + (1u << order); f += BitmapRow.Frames)
        {
            if (!BitmapRow.TryChange(ref Row(f), ulong.MaxValue, claim: true))
            {
                for (uint undo = frame; undo < f; undo += BitmapRow.Frames)
                {
                    ReleaseOwnRow(undo);
                }

                return false;
            }
        }

        return true;
    }

    /// <summary>The granules of its child that a block lies in, order 8 at most.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint GranulesOf(uint frame, int order)
    {
        int granule = (int)(frame % ChildWord.Frames) / ChildWord.GranuleFrames;
        return order <= GranuleOrder ? 1u << granule : ((1u << (1 << (order - GranuleOrder))) - 1) << granule;
    }
}
