using NativeMm.Diagnostics;
using NativeMm.Primitives;

namespace NativeMm.AddressSpaces;

/// <content>Pages that get another address.</content>
internal sealed unsafe partial class PageTables
{
    // Tables of this range stay, empty or not: from the preparation of a move to its end. Owner: the writer of the space.
    private VpnRange _prepared;

    /// <inheritdoc/>
    public bool TryPrepareMove(VpnRange source, ulong destination)
    {
        Invariant.Assert(_prepared.IsEmpty, $"Pages {source} are to be moved while {_prepared} are prepared.");
        _prepared = new VpnRange(destination, destination + source.Pages);
        ulong page = source.Start;
        while (FindLeaf(ref page, source.End) != null)
        {
            // The pages of one leaf may come to lie in two.
            ulong end = ulong.Min(source.End, (page | IndexMask) + 1);
            if (!TryMakeLeaf(page - source.Start + destination) || !TryMakeLeaf(end - 1 - source.Start + destination))
            {
                EndMove();
                return false;
            }

            page = end;
        }

        return true;
    }

    /// <inheritdoc/>
    public void Move(VpnRange source, ulong destination)
    {
        Invariant.Assert(_prepared == new VpnRange(destination, destination + source.Pages), $"Pages {source} move to page {destination:x}, and {_prepared} are prepared.");
        ulong page = source.Start;
        ulong* leaf;
        while ((leaf = FindLeaf(ref page, source.End)) != null)
        {
            // One leaf of the source and one of the destination at a time.
            ulong target = page - source.Start + destination;
            ulong pages = ulong.Min((page | IndexMask) + 1, source.End) - page;
            pages = ulong.Min(pages, (target | IndexMask) + 1 - target);
            MoveLeaf(leaf, page, page + pages, target);
            page += pages;
        }

        EndMove();
        _deferred.Flush();
    }

    private bool TryMakeLeaf(ulong page) => TryGrow(page, null, out _) == GrowOutcome.Grown;

    /// <summary>Takes the leaves out again that were made in vain.</summary>
    private void EndMove()
    {
        VpnRange pages = _prepared;
        _prepared = default;
        ulong page = pages.Start;
        ulong* leaf;
        while ((leaf = FindLeaf(ref page, pages.End, trim: true)) != null)
        {
            if (HeadOf(leaf).Population == 0)
            {
                ClearLeaf(leaf, page, page);
            }

            page = (page | IndexMask) + 1;
        }
    }

    private void MoveLeaf(ulong* leaf, ulong page, ulong end, ulong target)
    {
        Invariant.Assert(page < end && end - page <= SharedTables.Entries, $"Pages {page:x} to {end:x} of one leaf move.");
        Span<ulong> moved = stackalloc ulong[SharedTables.Entries];
        int count = (int)(end - page);
        TakeSettled(leaf, page, moved[..count]);
        uint unlinked = Unlink(leaf);

        Span<ulong> words = stackalloc ulong[Hazards.Capacity];
        var hazards = Hazards.Look(Key, words);
        if (hazards.TouchesAny(page, end))
        {
            Hazards.AwaitAccesses(Key, page, end);
            hazards = Hazards.LookAgain(Key, words);
            for (int i = 0; i < count; i++)
            {
                // A lease of the old address uses the frame. Hazards for the new address do not say so: a pin keeps it where it is.
                var entry = new LeafEntry(moved[i]);
                if (entry.Kind == EntryKind.Frame && hazards.Touches(page + (ulong)i))
                {
                    FrameOf(entry.Address).AddPin();
                    _deferred.AddPin(page + (ulong)i, entry.Address);
                }
            }
        }

        FreeUnlinked(hazards, unlinked);
        bool grown = TryGrow(target, null, out ulong* targetLeaf) == GrowOutcome.Grown;
        Diagnostics.Invariant.Check(grown, $"The tables for page {target:x} were not made before its pages moved.");
        ref TableHead targetHead = ref HeadOf(targetLeaf);
        targetHead.Lock.Enter();
        for (int i = 0; i < count; i++)
        {
            var entry = new LeafEntry(moved[i]);
            Invariant.Assert(
                new LeafEntry(targetLeaf[Index(target + (ulong)i, 0)]).IsEmpty,
                $"Page {target + (ulong)i:x} has an entry, and another page moves there.");
            if (!entry.IsEmpty)
            {
                Put(ref targetHead, targetLeaf + Index(target + (ulong)i, 0), entry);
                NoteMoved(target + (ulong)i, entry);
            }
        }

        targetHead.Lock.Exit();
    }

    /// <summary>Takes entries out. One that somebody moves or loads is waited for: he would look for it where it was.</summary>
    private void TakeSettled(ulong* leaf, ulong page, Span<ulong> moved)
    {
        ref TableHead head = ref HeadOf(leaf);
        var backoff = default(Backoff);
        int next = 0;
        head.Lock.Enter();
        while (next < moved.Length)
        {
            ulong* entry = leaf + Index(page + (ulong)next, 0);
            var value = new LeafEntry(*entry);
            if (value.IsMoving || (value.IsPresent && (value.Word & LeafEntry.Leaving) != 0))
            {
                head.Lock.Exit();
                backoff.Wait();
                head.Lock.Enter();
                continue;
            }

            moved[next++] = value.Word;
            if (!value.IsEmpty)
            {
                Put(ref head, entry, LeafEntry.Empty);
                head.IsHuge = false;
            }
        }

        head.Lock.Exit();
    }
}
