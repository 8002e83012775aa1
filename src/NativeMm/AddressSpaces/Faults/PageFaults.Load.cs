using NativeMm.Diagnostics;
using NativeMm.Primitives;

namespace NativeMm.AddressSpaces;

/// <content>
/// Pages that come back. The entry says that the page is being loaded, so that others wait for this page alone; the slot is the loader's then: who takes the entry
/// out meanwhile leaves the slot to him.
/// </content>
internal sealed unsafe partial class PageFaults
{
    private FaultOutcome Load<TLocking, TPause>(
        ulong page, PageAccess access, Vma* record, VmaState state, ulong* leaf, LeafEntry seen, ref FaultPermit permit)
        where TLocking : struct, ILeafLocking
        where TPause : struct, IPausePoint
    {
        ref TableHead head = ref _tables.HeadOf(leaf);
        FaultOutcome outcome = TryLock<TLocking>(ref head, leaf, record, state);
        if (outcome != FaultOutcome.Resolved)
        {
            return outcome;
        }

        ulong* entry = leaf + PageTables.Index(page, 0);
        Invariant.Assert(seen is { Kind: EntryKind.Swapped, IsMoving: false } && permit.Frame != 0, $"A page that is {seen} is loaded to 0x{permit.Frame:x}.");
        LeafEntry loading = seen.With(LeafEntry.Moving);
        bool isMine = Atomic.LoadAcquire(in *entry) == seen.Word;
        if (isMine)
        {
            PageTables.Put(ref head, entry, loading);
        }

        head.Lock.Exit();
        if (!isMine)
        {
            return FaultOutcome.Wait;
        }

        TPause.Reach(PauseLoading);
        SwapLoad load = _tables.Swap!.Load(seen.Slot, (nint)permit.Frame);
        outcome = Settle<TLocking>(page, access, record, state, leaf, loading, load, ref permit);
        if (outcome == FaultOutcome.Resolved)
        {
            _tables.SwapIns?.Returned(page);
        }

        return outcome;
    }

    private FaultOutcome Settle<TLocking>(
        ulong page, PageAccess access, Vma* record, VmaState state, ulong* leaf, LeafEntry loading, SwapLoad load, ref FaultPermit permit)
        where TLocking : struct, ILeafLocking
    {
        // The leaf is not empty, or was cleared, and stays as long as the hazard of this fault: there is nothing to try, and it must be settled.
        ref TableHead head = ref _tables.HeadOf(leaf);
        ulong* entry = leaf + PageTables.Index(page, 0);
        head.Lock.Enter();
        bool isMine = Atomic.LoadAcquire(in *entry) == loading.Word;
        bool isValid = !TLocking.IsSpeculative || record->State == state; // [T3] pairs with [V1]
        ulong slot = 0;
        FaultOutcome outcome = FaultOutcome.Resolved;
        if (!isMine)
        {
            slot = loading.Slot;
            outcome = TLocking.IsSpeculative ? FaultOutcome.VmaChanged : FaultOutcome.Wait;
        }
        else if (!isValid || !load.Succeeded)
        {
            PageTables.Put(ref head, entry, loading.Without(LeafEntry.Moving));
            outcome = isValid ? FaultOutcome.LoadFailed : FaultOutcome.VmaChanged;
            permit.Failure = load;
        }
        else
        {
            // A page that is only read keeps its slot: it can leave again without being stored.
            bool isWrite = access == PageAccess.Write;
            nuint frame = permit.Frame;
            PutFrame(
                ref head, entry, page, LeafEntry.Present(frame, FlagsOf(record) | (isWrite ? 0 : LeafEntry.NotDirty)), loading.History, ref permit);
            slot = isWrite ? loading.Slot : 0;
            _tables.FrameOf(frame).Slot = isWrite ? 0 : loading.Slot;
        }

        head.Lock.Exit();
        _tables.FreeSlot(slot);
        return outcome;
    }
}
