using NativeMm.Diagnostics;
using NativeMm.Frames;
using NativeMm.Primitives;

namespace NativeMm.AddressSpaces;

/// <content>
/// Gathering 512 pages in one block of 2 MiB. While they are copied the upper entry says that the leaf is out: a fault sees a state of its own, not an empty
/// range, and waits. A leaf that loses one of its pages is not huge any more; its block is split by whoever lets go of a frame first (FrameHead).
/// </content>
internal sealed unsafe partial class PageTables
{
    /// <summary>The upper entry says that the leaf is out; nothing is copied yet.</summary>
    internal const string PauseCollapsing = "collapse: leaf out";

    private long _collapses;

    /// <summary>Leaves that were gathered.</summary>
    public long Collapses => Atomic.LoadAcquire(in _collapses);

    /// <summary>Gathers the pages of a leaf. The caller is a reader of the space, and answers for the area.</summary>
    /// <param name="page">Any page of the range.</param>
    /// <returns>Whether the leaf is huge. It stays as it is when a page is missing, shared, pinned or in use, or there is no block.</returns>
    public bool TryCollapse<TPause>(ulong page)
        where TPause : struct, IPausePoint
    {
        ulong* upper = UpperEntryOf(page, 1, _root);
        ulong* leaf = (ulong*)Atomic.LoadAcquire(in *upper);
        if (leaf == SharedTables.EmptyLeaf || leaf == SharedTables.CollapsingLeaf || SharedTables.Contains(upper))
        {
            return false;
        }

        ref TableHead head = ref HeadOf(leaf);
        if (head.IsHuge || head.Population != SharedTables.Entries || !AreAllOwn(leaf) || !_frames.TryAllocate(Order.Huge, FrameFlags.NoReclaim | FrameFlags.Populate, out Pfn block, out _))
        {
            return head.IsHuge;
        }

        Span<ulong> replaced = stackalloc ulong[SharedTables.Entries];
        bool isOut = TryTakeOut(upper, leaf, ref head);
        if (isOut)
        {
            TPause.Reach(PauseCollapsing);
            bool isQuiet = IsQuiet(leaf, head.FirstPage);
            if (isQuiet)
            {
                Gather(leaf, ref head, (nuint)_zone.AddressOf(block), replaced);
            }

            PutUpper(upper, leaf);
            isOut = isQuiet;

            // Who sees the count finds the leaf.
            Atomic.Add(ref _collapses, isQuiet ? 1 : 0);
        }

        if (isOut)
        {
            DropUnused(replaced);
        }
        else
        {
            _frames.Free(block, Order.Huge);
        }

        return isOut;
    }

    /// <summary>Finds a leaf whose pages are all populated, and do not lie in one block: a hint. The caller is a reader of the space.</summary>
    /// <param name="page">Where to begin; the leaf's first page.</param>
    public bool TryFindFull(ref ulong page)
    {
        while (page < Pages)
        {
            ulong* table = _root;
            int level = RootLevel;
            while (level > 0)
            {
                var below = (ulong*)Atomic.LoadAcquire(in table[Index(page, level)]);
                if (SharedTables.Contains(below))
                {
                    break;
                }

                table = below;
                level--;
            }

            if (level == 0)
            {
                ref TableHead head = ref HeadOf(table);
                if (!head.IsHuge && head.Population == SharedTables.Entries)
                {
                    page = head.FirstPage;
                    return true;
                }
            }

            page = (page | (Span(int.Max(level, 1)) - 1)) + 1;
        }

        return false;
    }

    private bool TryTakeOut(ulong* upper, ulong* leaf, ref TableHead head)
    {
        Invariant.Assert(head.Level == 0 && !SharedTables.Contains(leaf), $"A table of level {head.Level} is taken out as a leaf.");
        ref TableHead upperHead = ref HeadOf((ulong*)((nuint)upper & ~(nuint)LowMask));
        upperHead.Lock.Enter();
        head.Lock.Enter();
        bool canGo = *upper == (ulong)leaf && !head.IsHuge && head.Population == SharedTables.Entries && AreAllOwn(leaf);
        if (canGo)
        {
            Atomic.StoreRelease(ref *upper, (ulong)SharedTables.CollapsingLeaf); // [T1] pairs with [T2]
            _leaves.Clear(head.FirstPage);
        }

        head.Lock.Exit();
        upperHead.Lock.Exit();
        return canGo;
    }

    private void PutUpper(ulong* upper, ulong* leaf)
    {
        Invariant.Assert(HeadOf(leaf).Level == 0 && !SharedTables.Contains(leaf), $"A table of level {HeadOf(leaf).Level} comes back as a leaf.");
        ref TableHead upperHead = ref HeadOf((ulong*)((nuint)upper & ~(nuint)LowMask));
        upperHead.Lock.Enter();
        Invariant.Assert(*upper == (ulong)SharedTables.CollapsingLeaf, "A leaf that was out comes back to where another table is.");
        Atomic.StoreRelease(ref *upper, (ulong)leaf); // [T1] pairs with [T2]
        _leaves.Set(HeadOf(leaf).FirstPage, leaf);
        upperHead.Lock.Exit();
    }

    /// <summary>Whether each page is in a frame that nothing else refers to, and that nobody moves.</summary>
    private bool AreAllOwn(ulong* leaf)
    {
        for (int i = 0; i < SharedTables.Entries; i++)
        {
            var entry = new LeafEntry(Atomic.LoadAcquire(in leaf[i]));
            if (entry.Kind != EntryKind.Frame || (entry.Word & (LeafEntry.Moving | LeafEntry.Leaving)) != 0 || !FrameOf(entry.Address).IsExclusive)
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Whether nobody uses a page of a leaf that is out: accesses are waited for, leases, pins and faults are not.</summary>
    private bool IsQuiet(ulong* leaf, ulong firstPage)
    {
        Span<ulong> words = stackalloc ulong[Hazards.Capacity];
        var hazards = Hazards.Look(Key, words);
        ulong end = firstPage + SharedTables.Entries;
        if (hazards.TouchesAny(firstPage, end))
        {
            Hazards.AwaitAccesses(Key, firstPage, end);
            hazards = Hazards.LookAgain(Key, words);
        }

        return !hazards.TouchesAny(firstPage, end) && AreAllOwn(leaf);
    }

    /// <summary>Copies the pages and writes the entries. Nobody reaches the leaf meanwhile, and nobody who began before is left.</summary>
    /// <param name="leaf">The leaf.</param>
    /// <param name="head">Its head.</param>
    /// <param name="block">Address of the block.</param>
    /// <param name="replaced">Receives the addresses of the frames that the pages were in, which nobody refers to but by counts.</param>
    private void Gather(ulong* leaf, ref TableHead head, nuint block, Span<ulong> replaced)
    {
        Invariant.Assert((block - _zone.BaseAddress) % (nuint)Order.Huge.Bytes == 0, $"A block of 2 MiB begins at 0x{block:x}.");
        Invariant.Assert(head.Population == SharedTables.Entries && !head.IsHuge, $"A leaf of {head.Population} pages is gathered.");
        BeginBlock(block);
        head.Lock.Enter();
        for (int i = 0; i < SharedTables.Entries; i++)
        {
            var entry = new LeafEntry(leaf[i]);
            Invariant.Assert(entry.Kind == EntryKind.Frame && (entry.Word & (LeafEntry.Moving | LeafEntry.Leaving)) == 0, $"An entry that is {entry} is gathered in a block.");
            nuint address = block + ((nuint)i * Pfn.FrameBytes);
            Buffer.MemoryCopy((void*)entry.Address, (void*)address, Pfn.FrameBytes, Pfn.FrameBytes);
            FrameOf(address).Slot = FrameOf(entry.Address).TakeSlot();
            Put(ref head, leaf + i, LeafEntry.Present(address, entry.Word & LeafEntry.FlagMask));
            _residency?.Replaced(NumberOf(entry), _zone.FrameOf((void*)address).Value);
            replaced[i] = entry.Address;
        }

        Invariant.Assert(head.Population == SharedTables.Entries, $"A leaf of {head.Population} pages is one block.");
        head.IsHuge = true;
        head.Lock.Exit();
    }
}
