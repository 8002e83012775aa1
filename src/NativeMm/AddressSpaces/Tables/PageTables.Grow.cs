using NativeMm.Diagnostics;
using NativeMm.Frames;
using NativeMm.Primitives;

namespace NativeMm.AddressSpaces;

/// <content>Tables that come.</content>
internal sealed unsafe partial class PageTables
{
    /// <summary>
    /// The leaf of a page, with all tables above it. The caller has a hazard for the page or holds the space's lock.
    /// </summary>
    /// <param name="page">The page.</param>
    /// <param name="record">The record that lets a fault install, which is looked at under the lock of the upper table; null for whoever holds the space's lock.</param>
    /// <param name="leaf">The leaf; <see cref="SharedTables.CollapsingLeaf"/> while it is out.</param>
    public GrowOutcome TryGrow(ulong page, Vma* record, out ulong* leaf)
    {
        Invariant.Assert(page < Pages, $"Page {page:x} gets tables, of {Pages:x}.");
        ulong* table = _root;
        for (int level = RootLevel; level > 0; level--)
        {
            ulong* entry = table + Index(page, level);
            var below = (ulong*)Atomic.LoadAcquire(in *entry);
            if (below == SharedTables.Empty(level - 1))
            {
                GrowOutcome outcome = TryAdd(page, level, table, entry, record, out below);
                if (outcome != GrowOutcome.Grown)
                {
                    leaf = null;
                    return outcome;
                }
            }

            table = below;
        }

        leaf = table;
        return GrowOutcome.Grown;
    }

    private GrowOutcome TryAdd(ulong page, int level, ulong* table, ulong* entry, Vma* record, out ulong* below)
    {
        below = null;
        ulong* made = TryMakeTable(level - 1, page & ~(Span(level) - 1), entry, FrameFlags.NoReclaim);
        if (made == null)
        {
            return GrowOutcome.NoFrame;
        }

        if (level == 2)
        {
            _leaves.Commit(page);
        }

        ref TableHead head = ref HeadOf(table);
        head.Lock.Enter();
        GrowOutcome outcome = GrowOutcome.Grown;
        below = (ulong*)Atomic.LoadAcquire(in *entry);
        if (level != RootLevel && !IsLinked(table, ref head)) // [T3]
        {
            outcome = GrowOutcome.TableChanged;
        }
        else if (record != null && record->State.IsDetached) // [T3] pairs with [V1]
        {
            outcome = GrowOutcome.RecordChanged;
        }
        else if (below == SharedTables.Empty(level - 1))
        {
            Invariant.Assert(
                head.Population < SharedTables.Entries && head.Level == level,
                $"A table of level {head.Level} with {head.Population} entries gets one more at level {level}.");
            head.Population++;
            below = made;
            Atomic.StoreRelease(ref *entry, (ulong)made);
            if (level == 1)
            {
                _leaves.Set(page, made);
            }

            made = null;
        }

        head.Lock.Exit();
        if (made != null)
        {
            FreeTable(made);
        }

        return outcome;
    }

    private ulong* TryMakeTable(int level, ulong firstPage, ulong* parent, FrameFlags flags)
    {
        if (!_frames.TryAllocate(Order.Zero, flags | FrameFlags.Populate, out Pfn frame, out _))
        {
            return null;
        }

        ulong* table = (ulong*)_zone.AddressOf(frame);
        BeginTable(table, level, firstPage, parent);
        return table;
    }

    private void BeginTable(ulong* table, int level, ulong firstPage, ulong* parent)
    {
        Invariant.Assert(level is >= 0 and <= RootLevel && (firstPage & (Span(level + 1) - 1)) == 0, $"A table of level {level} begins at page {firstPage:x}.");
        Invariant.Assert((level == RootLevel) == (parent == null), $"A table of level {level} hangs at 0x{(nuint)parent:x}.");
        new Span<ulong>(table, SharedTables.Entries).Fill(level == 0 ? LeafEntry.Empty.Word : (ulong)SharedTables.Empty(level - 1));
        ref TableHead head = ref HeadOf(table);
        head = default;
        head.Level = (byte)level;
        head.FirstPage = firstPage;
        head.Parent = parent;
    }

    private void FreeTable(ulong* table)
    {
        Invariant.Assert(!SharedTables.Contains(table) && ((nuint)table & (nuint)LowMask) == 0, $"What is at 0x{(nuint)table:x} is freed as a table.");
        _frames.Free(_zone.FrameOf(table), Order.Zero);
    }
}
