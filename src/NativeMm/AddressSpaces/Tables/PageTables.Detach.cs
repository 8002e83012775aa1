using NativeMm.Diagnostics;
using NativeMm.Frames;
using NativeMm.Primitives;
using NativeMm.Teardown;

namespace NativeMm.AddressSpaces;

/// <content>Ranges that are taken out at one moment, whatever is behind them, and given back later. The note of <see cref="TableRelease"/> describes it.</content>
internal sealed unsafe partial class PageTables
{
    // Tables of 1 GiB that are looked at to estimate: what is beyond counts as full.
    private const int LooksMax = 1024;

    // Bytes of a leaf and its pages.
    private const long LeafBytes = (SharedTables.Entries + 1) * (long)Pfn.FrameBytes;

    // Mark of the tables that were made for a tree that is taken out: nobody ever walks through them but the job.
    private const bool IsOfTree = true;

    private const int TablesOfTree = 5;

    // Bytes that are accounted as releasing before everything is taken out.
    private long _announced;

    /// <summary>What was taken out and is not given back.</summary>
    public TableReleases Releases { get; } = new();

    /// <inheritdoc/>
    public bool TryDetach(VpnRange pages, TableRelease release)
    {
        Invariant.Assert(!pages.IsEmpty && pages.End <= Pages, $"Pages {pages} are taken out.");
        long floor = release.Workers.Options.InlineFloorBytes;
        if (EstimateBytes(pages, floor) <= floor)
        {
            release.Workers.Ledger.NoteBelowFloor();
            return false;
        }

        ulong* spare = TryTakeSpare();
        if (spare == null)
        {
            release.Workers.Ledger.NoteWithoutMemory();
            return false;
        }

        Invariant.Assert(_prepared.IsEmpty, $"Pages {pages} are taken out while {_prepared} are prepared.");
        ulong* root = TakeSpare(ref spare, RootLevel, 0, null);
        long bytes = EstimateBytes(pages, long.MaxValue);

        // Tables on the way that become empty stay until all is moved.
        _prepared = pages;
        Detach(_root, root, RootLevel, pages, ref spare);
        _prepared = default;
        FreeEmptyAt(pages.Start);
        FreeEmptyAt(pages.End - 1);
        FreeSpare(spare);
        Atomic.ProcessWideFence(); // [H2] pairs with [H1], [H3]
        release.Attach(root, pages, bytes + UpperBytes(root));
        return true;
    }

    /// <summary>Whether everything is accounted as releasing, and not taken out yet.</summary>
    public bool IsAnnounced => _announced != 0;

    /// <summary>Accounts everything as releasing, before it is taken out.</summary>
    /// <returns>Whether it is more than the floor.</returns>
    public bool TryAnnounce(TeardownWorkers workers)
    {
        if (EstimateBytes(new VpnRange(0, Pages), workers.Options.InlineFloorBytes) <= workers.Options.InlineFloorBytes)
        {
            workers.Ledger.NoteBelowFloor();
            return false;
        }

        Invariant.Assert(_announced == 0, $"{_announced} bytes were announced before.");
        _announced = EstimateBytes(new VpnRange(0, Pages), long.MaxValue) + UpperBytes(_root);
        workers.Ledger.AddReleasingFrames(_announced);
        return true;
    }

    /// <summary>Bytes of pages and tables that the end will let go of, tables as if they were full. Nobody ends it at the same time.</summary>
    public long EstimateEndBytes() =>
        IsAnnounced ? _announced
        : _root == SharedTables.Empty(RootLevel) ? 0
        : EstimateBytes(new VpnRange(0, Pages), long.MaxValue) + UpperBytes(_root);

    /// <summary>Bytes of pages and leaves behind a range, leaves as if they were full.</summary>
    /// <param name="pages">The range.</param>
    /// <param name="enough">What is more than that need not be known exactly.</param>
    public long EstimateBytes(VpnRange pages, long enough)
    {
        int looks = LooksMax;
        return CountLeaves(_root, RootLevel, pages, (enough / LeafBytes) + 1, ref looks) * LeafBytes;
    }

    /// <summary>
    /// Takes everything out for the end, root and all. Nobody begins a fault any more.
    /// </summary>
    /// <param name="release">The job; idle.</param>
    /// <returns>False when it is not worth it; nothing has changed.</returns>
    private bool TryDetachAll(TableRelease release)
    {
        var all = new VpnRange(0, Pages);
        long floor = release.Workers.Options.InlineFloorBytes;
        if (EstimateBytes(all, floor) <= floor)
        {
            release.Workers.Ledger.NoteBelowFloor();
            return false;
        }

        long bytes = EstimateBytes(all, long.MaxValue) + UpperBytes(_root);
        ulong* root = _root;
        Invariant.Assert(root != SharedTables.Empty(RootLevel), "Everything is taken out twice.");
        _root = SharedTables.Empty(RootLevel);
        Atomic.ProcessWideFence(); // [H2] pairs with [H1], [H3]
        release.Attach(root, all, bytes, _announced);
        _announced = 0;
        return true;
    }

    /// <summary>Bytes of the tables above the leaves of a tree.</summary>
    private long UpperBytes(ulong* root)
    {
        long tables = 1;
        for (int i = 0; i < SharedTables.Entries; i++)
        {
            // Plain: a table that a fault adds at this moment is missing in an estimate.
            var below = (ulong*)root[i];
            tables += below == SharedTables.Empty(RootLevel - 1) ? 0 : 1 + HeadOf(below).Population;
        }

        return tables * Pfn.FrameBytes;
    }

    /// <summary>The next leaf below a tree that was taken out.</summary>
    /// <param name="root">The root of the tree.</param>
    /// <param name="page">Where to begin; the first page of the leaf, or where the search ended.</param>
    /// <param name="end">Where to end.</param>
    public ulong* FindLeafBelow(ulong* root, ref ulong page, ulong end)
    {
        while (page < end)
        {
            ulong* table = root;
            int level = RootLevel;
            ulong* below = null;
            while (level > 0 && (below = BelowLocked(table, Index(page, level))) != SharedTables.Empty(level - 1))
            {
                table = below;
                level--;
            }

            if (level == 0)
            {
                Invariant.Assert(HeadOf(table).Level == 0, $"A table of level {HeadOf(table).Level} is found for page {page:x}.");
                page &= ~IndexMask;
                return table;
            }

            page = (page | (Span(level) - 1)) + 1;
        }

        return null;
    }

    private long CountLeaves(ulong* table, int level, VpnRange pages, long enough, ref int looks)
    {
        long leaves = 0;
        ulong span = Span(level);
        for (ulong page = pages.Start; page < pages.End && leaves < enough; page = (page | (span - 1)) + 1)
        {
            var below = (ulong*)Atomic.LoadAcquire(in table[Index(page, level)]);
            if (below == SharedTables.Empty(level - 1))
            {
                continue;
            }

            ulong first = page & ~(span - 1);
            VpnRange part = pages.Intersect(new VpnRange(first, first + span));
            bool whole = part.Pages == span;
            leaves += level == 1 ? 1
                : level == 2 && whole ? LeavesOf(below, ref looks)
                : looks <= 0 && whole ? HeadOf(below).Population * (long)SharedTables.Entries
                : CountLeaves(below, level - 1, part, enough - leaves, ref looks);
        }

        return leaves;
    }

    private long LeavesOf(ulong* table, ref int looks) => looks-- > 0 ? HeadOf(table).Population : SharedTables.Entries;

    /// <summary>
    /// Moves whatever lies wholly in a range to a tree of its own. Leaves that are cut are cleared at once. The caller is the writer of the space.
    /// </summary>
    private void Detach(ulong* table, ulong* other, int level, VpnRange pages, ref ulong* spare)
    {
        Invariant.Assert(HeadOf(table).Level == level && HeadOf(other).Level == level, $"A table of level {HeadOf(table).Level} is moved to one of level {HeadOf(other).Level}.");
        ulong span = Span(level);
        for (ulong page = pages.Start; page < pages.End; page = (page | (span - 1)) + 1)
        {
            int index = Index(page, level);
            ulong* below = BelowLocked(table, index);
            if (below == SharedTables.Empty(level - 1))
            {
                continue;
            }

            ulong first = page & ~(span - 1);
            VpnRange part = pages.Intersect(new VpnRange(first, first + span));
            if (part.Pages == span)
            {
                MoveTable(table, other, index, below);
                ForgetLeaves(below, level - 1);
            }
            else if (level == 1)
            {
                ClearLeaf(below, part.Start, part.End);
            }
            else
            {
                ulong* otherBelow = TakeSpare(ref spare, level - 1, first, other + index);
                Detach(below, otherBelow, level - 1, part, ref spare);
                if (HeadOf(otherBelow).Population == 0)
                {
                    FreeTable(otherBelow);
                }
                else
                {
                    Invariant.Assert(other[index] == (ulong)SharedTables.Empty(level - 1), $"Entry {index} of a tree that was taken out is there already.");
                    other[index] = (ulong)otherBelow;
                    HeadOf(other).Population++;
                }
            }
        }
    }

    /// <summary>Clears what the map says of the leaves below a table that was taken out. No fault adds one any more once the lock of the table above it was passed [T3].</summary>
    private void ForgetLeaves(ulong* table, int level)
    {
        Invariant.Assert(HeadOf(table).Level == level, $"A table of level {HeadOf(table).Level} is looked through as one of {level}.");
        ref TableHead head = ref HeadOf(table);
        if (level == 0)
        {
            _leaves.Clear(head.FirstPage);
        }

        if (level == 0 || !_leaves.Knows(head.FirstPage))
        {
            return;
        }

        head.Lock.Enter();
        head.Lock.Exit();
        for (int i = 0; i < SharedTables.Entries; i++)
        {
            var below = (ulong*)Atomic.LoadAcquire(in table[i]);
            if (below != SharedTables.Empty(level - 1))
            {
                ForgetLeaves(below, level - 1);
            }
        }
    }

    private void MoveTable(ulong* table, ulong* other, int index, ulong* below)
    {
        ref TableHead above = ref HeadOf(table);
        ref TableHead head = ref HeadOf(below);
        above.Lock.Enter();
        head.Lock.Enter();
        Invariant.Assert(
            above.Population != 0 && above.Level == head.Level + 1 && table[index] == (ulong)below,
            $"A table of level {head.Level} leaves one of {above.Level} with {above.Population} entries.");
        Atomic.StoreRelease(ref table[index], (ulong)SharedTables.Empty(head.Level));
        above.Population--;
        head.Lock.Exit();
        above.Lock.Exit();
        Invariant.Assert(other[index] == (ulong)SharedTables.Empty(head.Level), $"Entry {index} of a tree that was taken out is there already.");
        other[index] = (ulong)below;
        HeadOf(other).Population++;
        Invariant.Assert(HeadOf(other).Population <= SharedTables.Entries, $"A tree that was taken out has {HeadOf(other).Population} entries in a table.");
    }

    /// <summary>Takes the lowest table on the way to a page out if it is empty, and those above it that become so.</summary>
    private void FreeEmptyAt(ulong page)
    {
        ulong* table = _root;
        ulong* below;
        for (int level = RootLevel; level > 0 && (below = BelowLocked(table, Index(page, level))) != SharedTables.Empty(level - 1); level--)
        {
            table = below;
        }

        if (table != _root && HeadOf(table).Population == 0)
        {
            FreeEmpty(table);
        }
    }

    /// <summary>Takes the frames that a tree needs at most: a root, and two tables of each of the two levels that an end of the range can cut.</summary>
    /// <returns>A list through their first words; null without all of them.</returns>
    private ulong* TryTakeSpare()
    {
        ulong* spare = null;
        for (int i = 0; i < TablesOfTree; i++)
        {
            if (!_frames.TryAllocate(Order.Zero, FrameFlags.NoReclaim, out Pfn frame, out _))
            {
                FreeSpare(spare);
                return null;
            }

            ulong* table = (ulong*)_zone.AddressOf(frame);
            *table = (ulong)spare;
            spare = table;
        }

        return spare;
    }

    private ulong* TakeSpare(ref ulong* spare, int level, ulong firstPage, ulong* parent)
    {
        Invariant.Assert(spare != null, $"A tree that is taken out needs more than {TablesOfTree} tables.");
        ulong* table = spare;
        spare = (ulong*)*table;
        BeginTable(table, level, firstPage, parent);
        HeadOf(table).IsHuge = IsOfTree;
        return table;
    }

    private void FreeSpare(ulong* spare)
    {
        while (spare != null)
        {
            ulong* next = (ulong*)*spare;
            FreeTable(spare);
            spare = next;
        }
    }
}
