using NativeMm.Primitives;

namespace NativeMm.Frames;

/// <content>Taking a run at a place that the caller names.</content>
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
}
