using NativeMm.Diagnostics;
using NativeMm.Primitives;

namespace NativeMm.AddressSpaces;

/// <content>The work of a fault, the same under both kinds of locks.</content>
internal sealed unsafe partial class PageFaults
{
    // Each round was made useless by somebody who installed or changed the same entry.
    private const int RoundsMax = 16;

    private FaultOutcome Attempt<TLocking, TPause>(
        AccessSlot* slot, ulong page, PageAccess access, Vma* record, VmaState state, ref FaultPermit permit)
        where TLocking : struct, ILeafLocking
        where TPause : struct, IPausePoint
    {
        Invariant.Assert(permit.Cell >= 0 && page < PageTables.Pages, $"A fault for page {page:x} has permit {permit.Cell}.");
        for (int round = 0; round < RoundsMax; round++)
        {
            FaultOutcome outcome = Of(_tables.TryGrow(page, TLocking.IsSpeculative ? record : null, out ulong* leaf));
            if (outcome != FaultOutcome.Resolved)
            {
                return outcome;
            }

            if (leaf == SharedTables.CollapsingLeaf)
            {
                return TLocking.IsSpeculative ? FaultOutcome.PmdChanged : FaultOutcome.Wait;
            }

            ulong* entry = leaf + PageTables.Index(page, 0);
            var seen = new LeafEntry(Atomic.LoadAcquire(in *entry));
            TPause.Reach(PauseSeen);
            FaultWork work = FaultDecision.Of(seen, access, MayWriteInPlace(seen, access));
            if (work == FaultWork.None)
            {
                Counters.Count(slot->Number, FaultEvent.Duplicate);
                return FaultOutcome.Resolved;
            }

            if (work == FaultWork.Wait)
            {
                return FaultOutcome.Wait;
            }

            if (work is FaultWork.MapZero or FaultWork.NewZero
                && CanBeHuge(record, page, leaf)
                && TryHuge<TLocking, TPause>(record, state, leaf, out outcome))
            {
                CountHuge(slot, outcome);
                return outcome;
            }

            outcome = Prepare(work, seen, ref permit);
            if (outcome != FaultOutcome.Resolved)
            {
                return outcome;
            }

            TPause.Reach(PausePrepared);
            outcome = work == FaultWork.Load
                ? Load<TLocking, TPause>(page, access, record, state, leaf, seen, ref permit)
                : Install<TLocking, TPause>(page, access, record, state, leaf, seen, work, ref permit);
            if (outcome != FaultOutcome.Wait)
            {
                CountWork(slot, work, outcome);
                return outcome;
            }
        }

        return FaultOutcome.Wait;
    }

    /// <summary>Makes what the work needs, without a lock: the frame with its content, and the right to a page more.</summary>
    private FaultOutcome Prepare(FaultWork work, LeafEntry seen, ref FaultPermit permit)
    {
        if (work is FaultWork.Flags or FaultWork.MapZero)
        {
            return FaultOutcome.Resolved;
        }

        if (work != FaultWork.Copy && permit.Charge == 0 && _tables.Residency is { } residency && !residency.TryCharge(out permit.Charge))
        {
            return FaultOutcome.NoRoom;
        }

        if (!TryHoldFrame(work == FaultWork.NewZero, ref permit))
        {
            return FaultOutcome.NoFrame;
        }

        switch (work)
        {
            case FaultWork.NewFilled:
                new Span<uint>((void*)permit.Frame, Pfn.FrameBytes / sizeof(uint)).Fill(seen.Value);
                permit.IsZero = false;
                break;
            case FaultWork.Copy:
                // The frame may leave the entry meanwhile, but not be freed, for the fault has a hazard for the page; then the copy is not used.
                Buffer.MemoryCopy((void*)seen.Address, (void*)permit.Frame, Pfn.FrameBytes, Pfn.FrameBytes);
                permit.IsZero = false;
                break;
            case FaultWork.Load:
                permit.IsZero = false;
                break;
        }

        return FaultOutcome.Resolved;
    }

    private bool TryHoldFrame(bool zeroed, ref FaultPermit permit)
    {
        if (permit.Frame == 0)
        {
            Frames.FrameFlags flags = Frames.FrameFlags.NoReclaim | Frames.FrameFlags.Populate | (zeroed ? Frames.FrameFlags.Zeroed : 0);
            if (!_frames.TryAllocate(Order.Zero, flags, out Pfn frame, out permit.IsZero))
            {
                return false;
            }

            permit.Frame = (nuint)_frames.Zone.AddressOf(frame);
        }

        Invariant.Assert(permit.Cell >= 0, "A fault holds a frame without a permit.");
        if (zeroed && !permit.IsZero)
        {
            new Span<byte>((void*)permit.Frame, Pfn.FrameBytes).Clear();
            permit.IsZero = true;
        }

        return true;
    }

    /// <summary>Compares all that was seen with what is, under the lock of the leaf, and writes the entry.</summary>
    /// <returns>Resolved; why not; or Wait when the entry has changed and all begins anew.</returns>
    private FaultOutcome Install<TLocking, TPause>(
        ulong page, PageAccess access, Vma* record, VmaState state, ulong* leaf, LeafEntry seen, FaultWork prepared, ref FaultPermit permit)
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
        var value = new LeafEntry(Atomic.LoadAcquire(in *entry));
        FaultWork work = FaultDecision.Of(value, access, MayWriteInPlace(value, access));
        if (value != seen || work != prepared)
        {
            head.Lock.Exit();
            return FaultOutcome.Wait;
        }

        TPause.Reach(PauseLocked);
        ulong slot = 0;
        nuint dropped = 0;
        switch (work)
        {
            case FaultWork.Flags:
                slot = access == PageAccess.Write && value.Kind == EntryKind.Frame ? _tables.FrameOf(value.Address).TakeSlot() : 0;
                PageTables.Put(ref head, entry, value.Without(FaultDecision.Lost(access)));
                break;
            case FaultWork.MapZero:
                PageTables.Put(ref head, entry, LeafEntry.Present(SharedTables.ZeroPage, LeafEntry.Zero | LeafEntry.NotDirty | LeafEntry.NotWritable));
                break;
            case FaultWork.Copy:
                dropped = value.Address;
                PutReplacement(ref head, entry, value, ref permit);
                break;
            default:
                PutFrame(ref head, entry, page, LeafEntry.Present(permit.Frame, FlagsOf(record)), value.History, ref permit);
                break;
        }

        bool isFull = work == FaultWork.NewZero && head.Population == SharedTables.Entries;
        head.Lock.Exit();
        if (isFull && (record->Flags & VmaFlags.HugePages) != 0)
        {
            AskCollapse(page);
        }

        _tables.FreeSlot(slot);
        if (dropped != 0)
        {
            _tables.Deferred.AddMapping(page, dropped);
        }

        return FaultOutcome.Resolved;
    }

    private FaultOutcome TryLock<TLocking>(ref TableHead head, ulong* leaf, Vma* record, VmaState state)
        where TLocking : struct, ILeafLocking
    {
        if (!TLocking.TryEnter(ref head.Lock))
        {
            return FaultOutcome.PteLock;
        }

        FaultOutcome outcome = FaultOutcome.Resolved;
        if (!_tables.IsLinked(leaf, ref head)) // [T3]
        {
            outcome = TLocking.IsSpeculative ? FaultOutcome.PmdChanged : FaultOutcome.Wait;
        }
        else if (TLocking.IsSpeculative && record->State != state) // [T3] pairs with [V1]
        {
            outcome = FaultOutcome.VmaChanged;
        }

        if (outcome != FaultOutcome.Resolved)
        {
            head.Lock.Exit();
        }

        return outcome;
    }

    private void PutFrame(ref TableHead head, ulong* entry, ulong page, LeafEntry value, uint history, ref FaultPermit permit)
    {
        Invariant.Assert(
            head.Lock.IsHeld && (_tables.Residency is null) == (permit.Charge == 0),
            $"Page {page:x} is installed with charge {permit.Charge}, or without the lock of its leaf.");
        Invariant.Assert(permit.Frame != 0 && permit.Frame % Pfn.FrameBytes == 0, $"A frame at 0x{permit.Frame:x} is installed for page {page}.");
        _tables.FrameOf(permit.Frame).Begin(isInBlock: false);
        PageTables.Put(ref head, entry, value);
        _tables.Residency?.Installed(page, _frames.Zone.FrameOf((void*)permit.Frame).Value, permit.Charge, history);
        permit.Frame = 0;
        permit.Charge = 0;
    }

    private void PutReplacement(ref TableHead head, ulong* entry, LeafEntry value, ref FaultPermit permit)
    {
        Invariant.Assert(head.Lock.IsHeld && value.Kind is EntryKind.Frame or EntryKind.Zero, $"What is {value} is replaced by a copy, or without the lock of its leaf.");
        Invariant.Assert(permit.Frame != 0 && permit.Frame != value.Address, $"A copy at 0x{permit.Frame:x} takes the place of 0x{value.Address:x}.");
        _tables.FrameOf(permit.Frame).Begin(isInBlock: false);
        PageTables.Put(ref head, entry, LeafEntry.Present(permit.Frame, 0));
        head.IsHuge = false;
        _tables.Residency?.Replaced(_frames.Zone.FrameOf((void*)value.Address).Value, _frames.Zone.FrameOf((void*)permit.Frame).Value);
        permit.Frame = 0;
    }

    /// <summary>
    /// Whether a write may go to the frame that the page is in. A fork and a pin make it untrue again, at any moment for who does not hold the leaf's lock: under
    /// it, what is to be done must be what was prepared.
    /// </summary>
    private bool MayWriteInPlace(LeafEntry entry, PageAccess access) =>
        access == PageAccess.Read || entry.Kind != EntryKind.Frame || _tables.FrameOf(entry.Address).Mappings == 1;

    private static ulong FlagsOf(Vma* record) => record->Protection == Protection.ReadWrite ? 0 : LeafEntry.NotWritable;

    private static FaultOutcome Of(GrowOutcome outcome) => outcome switch
    {
        GrowOutcome.Grown => FaultOutcome.Resolved,
        GrowOutcome.NoFrame => FaultOutcome.NoAnon,
        GrowOutcome.RecordChanged => FaultOutcome.VmaChanged,
        _ => FaultOutcome.PmdChanged,
    };

    private void CountWork(AccessSlot* slot, FaultWork work, FaultOutcome outcome)
    {
        if (outcome == FaultOutcome.Resolved && work != FaultWork.Flags)
        {
            Counters.Count(slot->Number, work switch
            {
                FaultWork.MapZero => FaultEvent.ZeroPage,
                FaultWork.NewZero => FaultEvent.DemandZero,
                FaultWork.Copy => FaultEvent.Copy,
                _ => FaultEvent.SwapIn,
            });
        }
    }
}
