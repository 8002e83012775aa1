using NativeMm.Diagnostics;
using NativeMm.Frames;
using NativeMm.Primitives;

namespace NativeMm.AddressSpaces;

/// <content>
/// Sharing all pages of an area with another space. First every page of the area loses the right to be written, one fence is passed, and the writes that were under
/// way end; a write that comes later waits for the fork, because all records are detached. That is the moment of which the other space is an
/// image. Only then are the entries copied.
/// </content>
internal sealed unsafe partial class PageTables
{
    /// <summary>Entries that are copied under one section of the leaf's lock.</summary>
    private const int CopyBatch = 64;

    /// <inheritdoc/>
    public bool TryCopyTo(IPageTables child, VpnRange pages)
    {
        Invariant.Assert(!pages.IsEmpty && pages.End <= Pages, $"Pages {pages} are copied.");
        SetFlags(pages, LeafEntry.NotWritable);
        Span<ulong> words = stackalloc ulong[Hazards.Capacity];
        var hazards = Hazards.Look(Key, words);
        if (hazards.TouchesAny(pages.Start, pages.End))
        {
            Hazards.AwaitAccesses(Key, pages.Start, pages.End);
            hazards = Hazards.LookAgain(Key, words);
        }

        Invariant.Assert(!ReferenceEquals(child, this), "Tables are copied to themselves.");
        var copy = (PageTables)child;
        ulong page = pages.Start;
        ulong* leaf;
        while ((leaf = FindLeaf(ref page, pages.End)) != null)
        {
            ulong end = ulong.Min(pages.End, (page | IndexMask) + 1);
            if (copy.TryGrow(page, null, out ulong* copyLeaf) != GrowOutcome.Grown || !TryCopyLeaf(hazards, leaf, copy, copyLeaf, page, end))
            {
                return false;
            }

            page = end;
        }

        return true;
    }

    private bool TryCopyLeaf(Hazards hazards, ulong* leaf, PageTables copy, ulong* copyLeaf, ulong page, ulong end)
    {
        Span<nuint> kept = stackalloc nuint[CopyBatch];
        while (page < end)
        {
            int count = (int)ulong.Min(CopyBatch, end - page);
            bool isAnyKept = ShareRun(hazards, leaf, copy, copyLeaf, page, kept[..count]);
            if (isAnyKept && !TryDuplicateKept(copy, copyLeaf, page, kept[..count]))
            {
                return false;
            }

            page += (ulong)count;
        }

        return true;
    }

    /// <summary>Shares what nobody holds, under the lock of the leaf. The frames of the others get a pin of the caller's.</summary>
    /// <param name="hazards">Who uses pages.</param>
    /// <param name="leaf">The leaf.</param>
    /// <param name="copy">The other space, which nobody but the caller uses yet. It has no limit of its own.</param>
    /// <param name="copyLeaf">Its leaf.</param>
    /// <param name="page">The first page.</param>
    /// <param name="kept">Receives for each page the address of a frame that was pinned, or 0.</param>
    /// <returns>Whether any was.</returns>
    private bool ShareRun(Hazards hazards, ulong* leaf, PageTables copy, ulong* copyLeaf, ulong page, Span<nuint> kept)
    {
        ref TableHead head = ref HeadOf(leaf);
        ref TableHead copyHead = ref copy.HeadOf(copyLeaf);
        ulong* entries = leaf + Index(page, 0);
        ulong* copies = copyLeaf + Index(page, 0);
        bool isAnyKept = false;
        head.Lock.Enter();

        // All frames' heads are looked at before any is written to, so that their cache misses overlap.
        for (int i = 0; i < kept.Length; i++)
        {
            var value = new LeafEntry(entries[i]);
            bool isKept = value.Kind == EntryKind.Frame && (FrameOf(value.Address).Pins != 0 || hazards.Touches(page + (ulong)i));
            kept[i] = isKept ? value.Address : 0;
            isAnyKept |= isKept;
        }

        for (int i = 0; i < kept.Length; i++)
        {
            if (kept[i] != 0)
            {
                FrameOf(kept[i]).AddPin();
            }
            else
            {
                Invariant.Assert(new LeafEntry(copies[i]).IsEmpty, $"Page {page + (ulong)i:x} of a child has an entry before it is copied.");
                Put(ref copyHead, copies + i, Share(new LeafEntry(entries[i])));
            }
        }

        head.Lock.Exit();
        return isAnyKept;
    }

    private bool TryDuplicateKept(PageTables copy, ulong* copyLeaf, ulong page, ReadOnlySpan<nuint> kept)
    {
        ref TableHead copyHead = ref copy.HeadOf(copyLeaf);
        bool isDone = true;
        for (int i = 0; i < kept.Length; i++)
        {
            if (kept[i] == 0)
            {
                continue;
            }

            if (!isDone)
            {
                DropPin(kept[i]);
            }
            else if (TryDuplicate(kept[i], out LeafEntry duplicate))
            {
                Invariant.Assert(new LeafEntry(copyLeaf[Index(page + (ulong)i, 0)]).IsEmpty, $"Page {page + (ulong)i:x} of a child has an entry before its copy.");
                Put(ref copyHead, copyLeaf + Index(page + (ulong)i, 0), duplicate);
            }
            else
            {
                isDone = false;
            }
        }

        return isDone;
    }

    /// <summary>What the other space's entry says, with its references counted.</summary>
    private LeafEntry Share(LeafEntry value)
    {
        switch (value.Kind)
        {
            case EntryKind.Frame:
                FrameOf(value.Address).AddMapping();
                return value.With(LeafEntry.NotWritable).Without(LeafEntry.Moving | LeafEntry.Leaving);
            case EntryKind.Swapped:
                Invariant.Assert(value.Slot != 0, "A page without a slot is shared as one that is elsewhere.");
                _swap!.Duplicate(value.Slot);
                return LeafEntry.Swapped(value.Slot, value.History);
            default:
                return value;
        }
    }

    /// <summary>
    /// A frame that somebody holds by a lease or a pin, and may write through it, is not shared: the other space gets a copy at once. The caller's pin
    /// keeps the frame until here.
    /// </summary>
    private bool TryDuplicate(nuint address, out LeafEntry copy)
    {
        copy = LeafEntry.Empty;
        bool found = _frames.TryAllocate(Order.Zero, FrameFlags.NoReclaim | FrameFlags.Populate, out Pfn frame, out _);
        if (found)
        {
            void* target = _zone.AddressOf(frame);
            Buffer.MemoryCopy((void*)address, target, Pfn.FrameBytes, Pfn.FrameBytes);
            FrameOf((nuint)target).Begin(isInBlock: false);
            // The child's first touch is a fault, which asks the child's area what it allows.
            copy = LeafEntry.Present((nuint)target, LeafEntry.NotWritable | LeafEntry.NotAccessed);
        }

        DropPin(address);
        return found;
    }
}
