using NativeMm.Diagnostics;
using NativeMm.Primitives;

namespace NativeMm.AddressSpaces;

/// <content>Counting and checking, at rest.</content>
internal sealed unsafe partial class PageTables
{
    /// <summary>Counts what the tables hold, by looking at every entry. Exact at rest, under the space's lock.</summary>
    public PageTableCounts Count()
    {
        var counts = default(PageTableCounts);
        CountBelow(_root, RootLevel, ref counts);
        return counts;
    }

    /// <summary>Entries of the leaves of a range that are not empty, by the counters of the leaves: how much there is to free.</summary>
    public ulong CountPopulated(VpnRange pages)
    {
        ulong count = 0;
        ulong page = pages.Start;
        ulong* leaf;
        while ((leaf = FindLeaf(ref page, pages.End)) != null)
        {
            count += HeadOf(leaf).Population;
            page = (page | IndexMask) + 1;
        }

        return count;
    }

    /// <summary>Checks every table against its head, and every frame against its references.</summary>
    /// <exception cref="InvariantViolationException">Something does not add up.</exception>
    public void Validate()
    {
        if (_root != SharedTables.Empty(RootLevel))
        {
            ValidateBelow(_root, RootLevel, 0);
        }
    }

    private void CountBelow(ulong* table, int level, ref PageTableCounts counts)
    {
        counts.Tables += table == SharedTables.Empty(RootLevel) ? 0 : 1;
        counts.HugeBlocks += level == 0 && HeadOf(table).IsHuge ? 1 : 0;
        for (int i = 0; i < SharedTables.Entries; i++)
        {
            // Once: faults and the collapser go on meanwhile.
            ulong entry = Atomic.LoadAcquire(in table[i]);
            if (level == 0)
            {
                counts.Add(new LeafEntry(entry), this);
            }
            else if ((ulong*)entry != SharedTables.Empty(level - 1) && (ulong*)entry != SharedTables.CollapsingLeaf)
            {
                CountBelow((ulong*)entry, level - 1, ref counts);
            }
        }
    }

    private void ValidateBelow(ulong* table, int level, ulong firstPage)
    {
        ref TableHead head = ref HeadOf(table);
        Invariant.Check(!head.Lock.IsHeld, $"The lock of the table of level {level} at page {firstPage:x} is held at rest.");
        Invariant.Check(head.Level == level, $"The table at page {firstPage:x} is of level {level}; its head says {head.Level}.");
        Invariant.Check(head.FirstPage == firstPage, $"The table of level {level} at page {firstPage:x} has {head.FirstPage:x} in its head.");
        int population = 0;
        for (int i = 0; i < SharedTables.Entries; i++)
        {
            ulong page = firstPage + ((ulong)i * Span(level));
            if (level == 0)
            {
                population += new LeafEntry(table[i]).IsEmpty ? 0 : 1;
                ValidateEntry(page, new LeafEntry(table[i]));
            }
            else if ((ulong*)table[i] != SharedTables.Empty(level - 1))
            {
                population++;
                Invariant.Check(IsFrame((nuint)table[i]), $"The entry of level {level} at page {page:x} ({table[i]:x}) is no table of this space's zone.");
                Invariant.Check(HeadOf((ulong*)table[i]).Parent == table + i, $"The table below page {page:x} has another parent.");
                Invariant.Check(level != 1 || !_leaves.Knows(page) || _leaves.LeafOf(page) == (ulong*)table[i], $"The map has another leaf for page {page:x}.");
                ValidateBelow((ulong*)table[i], level - 1, page);
            }
            else
            {
                Invariant.Check(level != 1 || _leaves.LeafOf(page) == null, $"The map has a leaf for page {page:x}, and there is none.");
            }
        }

        Invariant.Check(population == head.Population, $"The table of level {level} at page {firstPage:x} has {population} entries and counts {head.Population}.");
        if (level == 0 && head.IsHuge)
        {
            ValidateHuge(table, firstPage);
        }
    }

    private void ValidateEntry(ulong page, LeafEntry entry)
    {
        Invariant.Check(!entry.IsMoving, $"Page {page:x} ({entry}) moves at rest.");
        if (entry.Kind == EntryKind.Frame)
        {
            Invariant.Check(IsFrame(entry.Address), $"Page {page:x} ({entry}) is in no frame of this space's zone.");
            FrameHead head = FrameOf(entry.Address);
            Invariant.Check(head.Mappings != 0, $"Page {page:x} ({entry}) is in a frame that nobody refers to.");
            Invariant.Check(
                head.Mappings == 1 || (entry.Word & LeafEntry.NotWritable) != 0, $"Page {page:x} ({entry}) may be written, and {head.Mappings} entries refer to its frame.");
            Invariant.Check(
                head.Slot == 0 || (entry.Word & (LeafEntry.NotWritable | LeafEntry.NotDirty)) != 0, $"Page {page:x} ({entry}) may be written, and has slot {head.Slot}.");
            Invariant.Check(
                head.IsInBlock ? FrameOf(AddressOf(BlockOf(entry.Address))).IsBlockWhole : !head.IsHeldByBlock,
                $"Page {page:x} ({entry}) is in a frame of a block that is neither whole nor split.");
        }
        else if (entry.Kind == EntryKind.Zero)
        {
            Invariant.Check(entry.Address == SharedTables.ZeroPage, $"Page {page:x} ({entry}) is not the zero page.");
            Invariant.Check((entry.Word & LeafEntry.NotWritable) != 0, $"Page {page:x} ({entry}) may be written.");
        }
    }

    /// <summary>Whether an address is one of a frame of the zone.</summary>
    internal bool IsFrame(nuint address) => address % Pfn.FrameBytes == 0 && _zone.Contains((void*)address) && _zone.FrameOf((void*)address).Value < _zone.OpenedFrames;

    private void ValidateHuge(ulong* leaf, ulong firstPage)
    {
        nuint first = new LeafEntry(leaf[0]).Address;
        for (int i = 0; i < SharedTables.Entries; i++)
        {
            var entry = new LeafEntry(leaf[i]);
            bool isInPlace = entry.Kind == EntryKind.Frame && entry.Address == first + ((nuint)i * Pfn.FrameBytes);
            Invariant.Check(isInPlace && FrameOf(entry.Address).IsInBlock, $"The leaf at page {firstPage:x} is huge, and its page {i} ({entry}) lies elsewhere, or in no block.");
        }
    }
}
