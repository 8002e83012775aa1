using NativeMm.Primitives;

namespace NativeMm.AddressSpaces;

/// <content>The attempt without a lock of the space.</content>
internal sealed unsafe partial class PageFaults
{
    private bool TryWithoutLock<TPause>(AccessSlot* slot, ulong page, PageAccess access, ref FaultPermit permit)
        where TPause : struct, IPausePoint
    {
        Counters.Count(slot->Number, FaultEvent.Attempt);
        Atomic.StoreRelease(ref slot->Fault, _tables.Key | page); // [F1], [H1] pairs with [H2]
        FaultOutcome outcome;
        using (_layout.Tree.Epochs.Enter())
        {
            outcome = Speculate<TPause>(slot, page, access, ref permit);
            Atomic.StoreRelease(ref slot->Fault, 0); // [H3] pairs with [H2]
            if (outcome == FaultOutcome.Resolved)
            {
                // Whoever ends the space waits for the epoch, and finds what is kept.
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
