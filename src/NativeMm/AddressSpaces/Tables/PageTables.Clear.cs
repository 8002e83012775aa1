using NativeMm.Diagnostics;
using NativeMm.Primitives;

namespace NativeMm.AddressSpaces;

/// <content>Pages that go, and the tables that become empty.</content>
internal sealed unsafe partial class PageTables
{
    /// <inheritdoc/>
    public void Clear(VpnRange pages)
    {
        Invariant.Assert(!pages.IsEmpty && pages.End <= Pages, $"Pages {pages} are cleared.");
        ulong page = pages.Start;
        ulong* leaf;
        while ((leaf = FindLeaf(ref page, pages.End, trim: true)) != null)
        {
            ulong end = ulong.Min(pages.End, (page | IndexMask) + 1);
            ClearLeaf(leaf, page, end);
            page = end;
        }

        _deferred.Flush();
    }

    /// <summary>
    /// The next leaf with a page of a range. The caller is the writer of the space. What seems empty is looked at under the lock, so that no fault can
    /// add a table there afterwards without seeing that its record is detached [T3].
    /// </summary>
    /// <param name="page">Where to begin; the first page of the range that the leaf has.</param>
    /// <param name="end">Where to end.</param>
    /// <param name="trim">Whether tables on the way that have nothing below are taken out.</param>
    private ulong* FindLeaf(ref ulong page, ulong end, bool trim = false)
    {
        while (page < end)
        {
            ulong* table = _root;
            int level = RootLevel;
            while (level > 0)
            {
                ulong* below = BelowLocked(table, Index(page, level));
                if (below == SharedTables.Empty(level - 1))
                {
                    break;
                }

                table = below;
                level--;
            }

            if (level == 0)
            {
                Invariant.Assert(HeadOf(table).Level == 0, $"A table of level {HeadOf(table).Level} is found for page {page:x}.");
                return table;
            }

            if (trim && table != _root && HeadOf(table).Population == 0)
            {
                FreeEmpty(table);
            }

            page = (page | (Span(level) - 1)) + 1;
        }

        return null;
    }

    private void FreeEmpty(ulong* table)
    {
        Invariant.Assert(table != _root && !SharedTables.Contains(table), "The root goes for being empty, or a table that stands for none.");
        uint unlinked = Unlink(table);
        if (unlinked != 0)
        {
            Span<ulong> words = stackalloc ulong[Hazards.Capacity];
            FreeUnlinked(Hazards.Look(Key, words), unlinked);
        }
    }

    private ulong* BelowLocked(ulong* table, int index)
    {
        Invariant.Assert(!SharedTables.Contains(table) && (uint)index < SharedTables.Entries, $"Entry {index} is looked at of a table that stands for none.");
        ref TableHead head = ref HeadOf(table);
        head.Lock.Enter();
        var below = (ulong*)Atomic.LoadAcquire(in table[index]);
        head.Lock.Exit();
        return below;
    }

    private void ClearLeaf(ulong* leaf, ulong page, ulong end)
    {
        Invariant.Assert(
            HeadOf(leaf).Level == 0 && page >= HeadOf(leaf).FirstPage && page <= end && end <= HeadOf(leaf).FirstPage + SharedTables.Entries,
            $"Pages {page:x} to {end:x} are cleared in the leaf of page {HeadOf(leaf).FirstPage:x}.");
        Span<ulong> removed = stackalloc ulong[SharedTables.Entries];
        Span<ushort> places = stackalloc ushort[SharedTables.Entries];
        int count = 0;
        ref TableHead head = ref HeadOf(leaf);
        head.Lock.Enter();
        for (ulong at = page; at < end; at++)
        {
            ulong* entry = leaf + Index(at, 0);
            var value = new LeafEntry(*entry);
            if (!value.IsEmpty)
            {
                removed[count] = value.Word;
                places[count++] = (ushort)Index(at, 0);
                NoteRemoved(value);
                Put(ref head, entry, LeafEntry.Empty);
            }
        }

        head.IsHuge &= count == 0;
        head.Lock.Exit();
        uint unlinked = Unlink(leaf);
        if (count != 0 || unlinked != 0)
        {
            Span<ulong> words = stackalloc ulong[Hazards.Capacity];
            var hazards = Hazards.Look(Key, words);
            if (hazards.TouchesAny(page, end))
            {
                Hazards.AwaitAccesses(Key, page, end);
                hazards = Hazards.LookAgain(Key, words);
            }

            DropEntries(hazards, page & ~IndexMask, removed[..count], places);
            FreeUnlinked(hazards, unlinked);
        }
    }

    /// <summary>Lets go of what entries of a leaf stood for that were taken out before the look at the hazards.</summary>
    /// <param name="hazards">Who uses pages.</param>
    /// <param name="first">First page of the leaf.</param>
    /// <param name="removed">The entries; overwritten.</param>
    /// <param name="places">Where in the leaf they were; empty when they are all of its entries.</param>
    /// <returns>How many of them had a frame.</returns>
    private int DropEntries(Hazards hazards, ulong first, Span<ulong> removed, ReadOnlySpan<ushort> places)
    {
        Invariant.Assert(
            (first & IndexMask) == 0 && (places.IsEmpty || places.Length >= removed.Length),
            $"{removed.Length} entries of the leaf of page {first:x} are dropped, with {places.Length} places.");
        int frames = 0;
        int unused = 0;
        for (int i = 0; i < removed.Length; i++)
        {
            ulong page = first + (places.IsEmpty ? (ulong)i : places[i]);
            var entry = new LeafEntry(removed[i]);
            if (entry.Kind == EntryKind.Frame)
            {
                frames++;
                if (hazards.Touches(page))
                {
                    // A lease may outlive the space and its swap.
                    DropSlot(ref FrameOf(entry.Address));
                    _deferred.AddMapping(page, entry.Address);
                }
                else
                {
                    removed[unused++] = entry.Address;
                }
            }
            else if (entry.Kind == EntryKind.Swapped && !entry.IsMoving)
            {
                FreeSlot(entry.Slot);
            }
        }

        // Together, so that a block whose pages all go is not split.
        DropUnused(removed[..unused]);
        return frames;
    }

    /// <summary>Takes a leaf out that has become empty, and the tables above it that become so. The caller is the writer of the space.</summary>
    /// <returns>The tables, as a list through their heads; 0 for none.</returns>
    private uint Unlink(ulong* table)
    {
        uint list = 0;
        while (table != _root)
        {
            ref TableHead head = ref HeadOf(table);
            ulong* above = (ulong*)((nuint)head.Parent & ~(nuint)LowMask);
            ref TableHead aboveHead = ref HeadOf(above);
            aboveHead.Lock.Enter();
            head.Lock.Enter();
            bool isEmpty = head.Population == 0 && _prepared.Intersect(new VpnRange(head.FirstPage, head.FirstPage + Span(head.Level + 1))).IsEmpty;
            if (isEmpty)
            {
                Invariant.Assert(Atomic.LoadAcquire(in *head.Parent) == (ulong)table, $"The table of page {head.FirstPage:x}, level {head.Level}, is taken out and hangs elsewhere.");
                Atomic.StoreRelease(ref *head.Parent, (ulong)SharedTables.Empty(head.Level));
                if (head.Level == 0)
                {
                    _leaves.Clear(head.FirstPage);
                }

                Invariant.Assert(
                    aboveHead.Population != 0 && aboveHead.Level == head.Level + 1,
                    $"A table of level {head.Level} leaves one of {aboveHead.Level} with {aboveHead.Population} entries.");
                aboveHead.Population--;
            }

            head.Lock.Exit();
            aboveHead.Lock.Exit();
            if (!isEmpty)
            {
                break;
            }

            head.NextUnlinked = list;
            list = _zone.FrameOf(table).Value + 1;
            table = above;
        }

        return list;
    }

    private void FreeUnlinked(Hazards hazards, uint list)
    {
        while (list != 0)
        {
            ulong* table = (ulong*)_zone.AddressOf(new Pfn(list - 1));
            ref TableHead head = ref HeadOf(table);
            Invariant.Assert(head.Population == 0, $"A table of level {head.Level} is given back with {head.Population} entries.");
            list = head.NextUnlinked;
            if (hazards.TouchesAny(head.FirstPage, head.FirstPage + Span(head.Level + 1)))
            {
                _deferred.AddTable(head.FirstPage, head.Level, table);
            }
            else
            {
                FreeTable(table);
            }
        }
    }
}
