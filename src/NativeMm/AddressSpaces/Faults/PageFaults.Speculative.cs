using NativeMm.Primitives;

namespace NativeMm.AddressSpaces;

/// <content>The attempt without a lock of the space.</content>
internal sealed unsafe partial class PageFaults
{
    /// <summary>Attempts a fault without the lock of the space.</summary>
    /// <param name="slot">The thread's slot.</param>
    /// <param name="page">Number of the page.</param>
    /// <param name="access">What for.</param>
    /// <param name="permit">What the fault holds; goes on in the next attempt when this one fails.</param>
    /// <param name="isInside">When it did not: whether the caller is inside the gate. He is, unless the space had ended before he began, and then has no permit.</param>
    /// <returns>Whether it did.</returns>
    private bool TryWithoutLock<TPause>(AccessSlot* slot, ulong page, PageAccess access, ref FaultPermit permit, out bool isInside)
        where TPause : struct, IPausePoint
    {
        Counters.Count(slot->Number, FaultEvent.Attempt);
        Atomic.StoreRelease(ref slot->Fault, _tables.Key | page); // [F1], [H1] pairs with [H2]
        FaultOutcome outcome;
        using (_layout.Tree.Epochs.Enter())
        {
            outcome = Speculate<TPause>(slot, page, access, ref permit);
            Atomic.StoreRelease(ref slot->Fault, 0); // [H3] pairs with [H2]

            // Whoever ends the space waits for the epoch, then closes the gate, waits for who is in it, and finds what is kept.
            isInside = outcome != FaultOutcome.Resolved && _gate.TryEnter();
            if (outcome == FaultOutcome.Resolved)
            {
                Finish(slot, ref permit);
            }
        }

        Counters.Count(slot->Number, outcome);
        return outcome == FaultOutcome.Resolved;
    }

    private FaultOutcome Speculate<TPause>(AccessSlot* slot, ulong page, PageAccess access, ref FaultPermit permit)
        where TPause : struct, IPausePoint
    {
        Vma* record = _layout.Tree.Find(page);
        if (record == null)
        {
            return FaultOutcome.NotAttempted;
        }

        VmaState state = record->State;
        if (state.IsDetached)
        {
            return FaultOutcome.VmaChanged;
        }

        if (!Allows(record, access))
        {
            return FaultOutcome.Access;
        }

        if (!Permits.TryTake(slot->Number, ref permit))
        {
            return FaultOutcome.NotAttempted;
        }

        TPause.Reach(PauseFound);
        return Attempt<SpeculativeLocking, TPause>(slot, page, access, record, state, ref permit);
    }
}
