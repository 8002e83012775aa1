using NativeMm.Diagnostics;
using NativeMm.Primitives;

namespace NativeMm.Frames;

/// <content>Taking frames at a place that the caller names.</content>
public sealed unsafe partial class LockFreeFrameAllocator
{
    /// <inheritdoc/>
    public bool TryAllocateAt(Pfn first, uint frames, out bool knownZero)
    {
        ThrowIfDisposed();
        var run = FrameRun.Of(frames);
        knownZero = false;
        uint child = first.Value / ChildWord.Frames;
        if (!IsBlock(first, new Order(run.Order)) || child / FrameTree.ChildCount >= Frontier)
        {
            return false;
        }

        if (run.IsWhole)
        {
            return TryClaimWhole(child, run.Order, WholeStates.Allocated, out _, out knownZero);
        }

        // Look before counting, as a search does: a child whose place is taken is not written at all.
        ref ulong cell = ref Child(child);
        if (!AreFree(first.Value, frames) || !ChildWord.TryChange(ref cell, new ChildTransitions.Take(frames), out _)) // [A1]
        {
            return false;
        }

        if (!TryClaimRun(first.Value, run)) // [A2] pairs with [A3]
        {
            Put(child, frames, rows: 0);
            return false;
        }

        uint granules = GranulesOf(first.Value, run);
        knownZero = (new ChildWord(Atomic.LoadAcquire(ref cell)).Untouched & granules) != 0 && Touch(ref cell, granules); // [A7]
        return true;
    }

    /// <inheritdoc/>
    /// <remarks>What is behind the run is claimed as a run of its own would be: the bits of both say nothing of where one ends.</remarks>
    public bool TryExtend(Pfn first, uint frames, uint newFrames)
    {
        ThrowIfDisposed();
        ArgumentOutOfRangeException.ThrowIfZero(frames);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(frames, newFrames);
        var run = FrameRun.Of(newFrames);
        if (run.IsWhole || !IsBlock(first, new Order(run.Order)))
        {
            return false;
        }

        uint child = first.Value / ChildWord.Frames;
        uint behind = first.Value + frames;
        uint more = newFrames - frames;
        ref ulong cell = ref Child(child);
        if (!AreFree(behind, more) || !ChildWord.TryChange(ref cell, new ChildTransitions.Take(more), out _)) // [A1]
        {
            return false;
        }

        if (!TryClaimRows(behind, more)) // [A2] pairs with [A3]
        {
            Put(child, more, rows: 0);
            return false;
        }

        uint granules = GranulesBetween(behind, behind + more);
        if ((new ChildWord(Atomic.LoadAcquire(ref cell)).Untouched & granules) != 0) // [A7]
        {
            Touch(ref cell, granules);
        }

        return true;
    }

    /// <summary>The granules of their child that the frames from one up to another lie in, of the first and the last one perhaps a part.</summary>
    private static uint GranulesBetween(uint frame, uint end)
    {
        Invariant.Assert(frame < end && frame / ChildWord.Frames == (end - 1) / ChildWord.Frames, $"The frames from {frame} to {end} lie in granules of one child.");
        int low = (int)(frame % ChildWord.Frames / ChildWord.GranuleFrames);
        int high = (int)((end - 1) % ChildWord.Frames / ChildWord.GranuleFrames);
        return (uint)((2UL << high) - (1UL << low));
    }
}
