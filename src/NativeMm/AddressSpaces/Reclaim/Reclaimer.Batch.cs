using NativeMm.Diagnostics;
using NativeMm.Primitives;

namespace NativeMm.AddressSpaces;

/// <content>One batch, from the choice to the end. Whoever runs it holds <c>_moving</c>.</content>
internal sealed unsafe partial class Reclaimer<TPolicy>
{
    private long ReclaimBatch(AccessSlot* slot, bool isHard)
    {
        Span<uint> victims = _victims;
        var probe = new AccessProbe(_tables, _pages, slot);
        int chosen = _policy.Select(ref probe, victims);
        Invariant.Assert(chosen >= 0 && chosen <= victims.Length, $"{chosen} pages were chosen, of {victims.Length}.");
        int count = 0;
        foreach (uint number in victims[..chosen])
        {
            if (TryMark(slot, number, isHard, out _batch[count]))
            {
                count++;
            }
            else
            {
                _policy.PutBack(number);
                Atomic.Add(ref _putBack, 1);
            }
        }

        if (count == 0)
        {
            return 0;
        }

        Invariant.Assert(_moving.IsHeldByCurrentThread && count <= chosen, $"{count} of {chosen} pages were marked.");
        Span<LeavingPage> batch = _batch.AsSpan(0, count);
        KeepUsed(batch);
        Sort(batch);
        Store(batch);
        long left = 0;
        foreach (ref LeavingPage page in batch)
        {
            left += Settle(slot, ref page) ? 1 : 0;
        }

        Invariant.Assert(left >= 0 && left <= count, $"{left} of {count} pages left.");
        Atomic.Add(ref _batches, 1);
        Atomic.Add(ref _evicted, left);
        Atomic.Add(ref _putBack, count - left);
        return left;
    }

    /// <summary>Marks a page as leaving and pins its frame, unless it is gone, held or shared.</summary>
    private bool TryMark(AccessSlot* slot, uint number, bool isHard, out LeavingPage leaving)
    {
        Invariant.Assert(number < _limit && _moving.IsHeldByCurrentThread, $"Charge {number} of {_limit} is marked, or without the lock of those who take pages away.");
        leaving = default;
        ulong page = Atomic.LoadAcquire(in _pages[number]);
        if (page == NoPage)
        {
            return false;
        }

        ulong* entry = _tables.Enter(slot, page, out PageTables.LeafScope leaf);
        bool marked = false;
        if (entry != null)
        {
            var value = new LeafEntry(*entry);
            if (value.Kind == EntryKind.Frame && NumberOf(value) == number + 1 && (value.Word & (LeafEntry.Moving | LeafEntry.Leaving)) == 0)
            {
                ref FrameHead head = ref _tables.FrameOf(value.Address);
                marked = head.Pins == 0 && (isHard || head.Mappings == 1) && (isHard || !head.IsIncompressible);
                if (marked)
                {
                    head.AddPin();
                    leaving.Number = number;
                    leaving.Page = page;
                    leaving.Entry = value.With(LeafEntry.Moving | LeafEntry.Leaving | LeafEntry.NotDirty);
                    Atomic.StoreRelease(ref *entry, leaving.Entry.Word); // [R1]
                }
            }

            leaf.Exit();
        }

        Atomic.StoreRelease(ref slot->Fault, 0); // [H3] pairs with [H2]
        return marked;
    }

    /// <summary>Lets pages stay that somebody uses.</summary>
    private void KeepUsed(Span<LeavingPage> batch)
    {
        Span<ulong> words = stackalloc ulong[Hazards.Capacity];
        var hazards = Hazards.Look(_tables.Key, words); // [R1]
        foreach (ref LeavingPage page in batch)
        {
            Invariant.Assert(_tables.FrameOf(page.Entry.Address).Pins != 0, $"Page {page.Page:x} was marked and its frame is not pinned.");
            bool isUsed = hazards.Touches(page.Page) || _tables.FrameOf(page.Entry.Address).Pins > 1;
            page.Kind = isUsed ? LeavingKind.Stays : LeavingKind.Store;
        }
    }

    /// <summary>Finds out which pages need not be stored.</summary>
    private void Sort(Span<LeavingPage> batch)
    {
        foreach (ref LeavingPage page in batch)
        {
            if (page.Kind != LeavingKind.Store)
            {
                continue;
            }

            ref FrameHead head = ref _tables.FrameOf(page.Entry.Address);
            if (head.HasSlot)
            {
                page.Kind = LeavingKind.Clean;
            }
            else if (IsSameFilled((uint*)page.Entry.Address))
            {
                page.Kind = LeavingKind.SameFilled;
            }

        }
    }

    private void Store(Span<LeavingPage> batch)
    {
        Span<nint> addresses = stackalloc nint[BatchPages];
        Span<ulong> slots = stackalloc ulong[BatchPages];
        int count = 0;
        foreach (ref LeavingPage page in batch)
        {
            if (page.Kind == LeavingKind.Store)
            {
                addresses[count++] = (nint)page.Entry.Address;
            }
        }

        if (count == 0)
        {
            return;
        }

        Invariant.Assert(count <= batch.Length && batch.Length <= BatchPages, $"{count} of {batch.Length} pages are stored.");
        _swap.Store(addresses[..count], slots[..count]);
        int next = 0;
        foreach (ref LeavingPage page in batch)
        {
            if (page.Kind == LeavingKind.Store)
            {
                Invariant.Assert(next < count, $"The backend was given {count} pages, and more are asked for.");
                ulong slot = slots[next++];
                bool isStored = SwapSlot.IsStored(slot);
                page.Slot = isStored ? slot : 0;
                page.Kind = isStored ? LeavingKind.Stored : slot == SwapSlot.Incompressible ? LeavingKind.Incompressible : LeavingKind.Stays;
            }
        }
    }

    private uint NumberOf(LeafEntry entry) => _numbers[_tables.Frames.Zone.FrameOf((void*)entry.Address).Value];

    private static bool IsSameFilled(uint* page) =>
        !new ReadOnlySpan<uint>(page, Pfn.FrameBytes / sizeof(uint)).ContainsAnyExcept(*page);
}
