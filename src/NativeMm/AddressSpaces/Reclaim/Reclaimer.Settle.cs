using NativeMm.Diagnostics;
using NativeMm.Primitives;

namespace NativeMm.AddressSpaces;

/// <content>The end of a page's leaving: out, or in again.</content>
internal sealed unsafe partial class Reclaimer<TPolicy>
{
    /// <returns>Whether the page left.</returns>
    private bool Settle(AccessSlot* slot, ref LeavingPage page)
    {
        Invariant.Assert(_tables.FrameOf(page.Entry.Address).Pins != 0, $"Page {page.Page:x} is settled and its frame is not pinned.");
        ulong* entry = _tables.Enter(slot, page.Page, out PageTables.LeafScope leaf);
        bool left = false;
        ulong unused = page.Slot;
        Invariant.Assert(_moving.IsHeldByCurrentThread, "A batch is settled without the lock of those who take pages away.");
        Invariant.Assert(page.Kind == LeavingKind.Stored == (page.Slot != 0), $"A page that is {page.Kind} has slot {page.Slot}.");
        if (entry != null)
        {
            var value = new LeafEntry(*entry);
            if (value == page.Entry && page.Kind > LeavingKind.Incompressible)
            {
                uint history = _policy.Evicted(page.Number);
                Forget(_tables.Frames.Zone.FrameOf((void*)value.Address).Value, page.Number);
                leaf.Put(entry, Left(ref page, history));
                unused = 0;
                left = true;
            }
            else if (value.Kind == EntryKind.Frame && value.Address == page.Entry.Address && (value.Word & LeafEntry.Leaving) != 0)
            {
                unused = Keep(entry, value, ref page);
            }

            leaf.Exit();
        }

        Atomic.StoreRelease(ref slot->Fault, 0); // [H3] pairs with [H2]
        _tables.FreeSlot(unused);
        if (left)
        {
            _tables.DropMapping(page.Entry.Address);
        }

        _tables.DropPin(page.Entry.Address);
        return left;
    }

    /// <summary>What the entry says from here on. A slot that the frame has goes along, or is shared as long as others refer to the frame.</summary>
    private LeafEntry Left(ref LeavingPage page, uint history)
    {
        ref FrameHead head = ref _tables.FrameOf(page.Entry.Address);
        switch (page.Kind)
        {
            case LeavingKind.SameFilled:
                Atomic.Add(ref _sameFilled, 1);
                return LeafEntry.SameFilled(*(uint*)page.Entry.Address, history);
            case LeavingKind.Clean:
                Atomic.Add(ref _clean, 1);
                Invariant.Assert(head.HasSlot, $"A clean page has slot {head.Slot:x}.");
                ulong slot = head.Slot;
                if (head.Mappings > 1)
                {
                    _swap.Duplicate(slot);
                }
                else
                {
                    head.TakeSlot();
                }

                return LeafEntry.Swapped(slot, history);
            default:
                Invariant.Assert(page.Kind == LeavingKind.Stored, $"A page that is {page.Kind} leaves to slot {page.Slot}.");
                return LeafEntry.Swapped(page.Slot, history);
        }
    }

    /// <summary>The page stays. What was stored of it stays good until somebody writes, and no entry lets anybody write who did not ask.</summary>
    /// <returns>A slot that is of no use.</returns>
    private ulong Keep(ulong* entry, LeafEntry value, ref LeavingPage page)
    {
        ref FrameHead head = ref _tables.FrameOf(value.Address);
        ulong unused = page.Slot;
        if (head.Mappings == 1 && head.Slot == 0)
        {
            head.Slot = page.Kind == LeavingKind.Incompressible ? FrameHead.Incompressible : page.Slot;
            unused = 0;
        }

        Atomic.StoreRelease(ref *entry, value.Without(LeafEntry.Moving | LeafEntry.Leaving).Word); // [T1] pairs with [T2]
        _policy.PutBack(page.Number);
        return unused;
    }
}
