using NativeMm.Diagnostics;
using NativeMm.Frames;
using NativeMm.Primitives;
using NativeMm.Teardown;

namespace NativeMm.AddressSpaces;

/// <content>Giving back tables that were taken out. The note of <see cref="TableRelease"/> says why each step is safe.</content>
internal sealed unsafe partial class PageTables
{
    /// <summary>Gives a leaf and its pages back that nobody has a hazard for.</summary>
    /// <param name="leaf">The leaf.</param>
    /// <param name="gather">Who frees the pages; null for at once. A block of which all pages go is freed at once in any case.</param>
    /// <param name="gathered">Pages that were left to <paramref name="gather"/>.</param>
    /// <returns>Pages that had a frame.</returns>
    public int ReleaseLeaf(ulong* leaf, FrameGather? gather, out int gathered)
    {
        Span<ulong> addresses = stackalloc ulong[SharedTables.Entries];
        int count = 0;
        for (int i = 0; i < SharedTables.Entries; i++)
        {
            // Plain: whoever wrote it is through, and the look at the hazards has seen that.
            var value = new LeafEntry(leaf[i]);
            switch (value.Kind)
            {
                case EntryKind.Frame:
                    NoteRemoved(value);
                    addresses[count++] = value.Address;
                    break;
                case EntryKind.Swapped when !value.IsMoving:
                    FreeSlot(value.Slot);
                    break;
            }
        }

        Invariant.Assert(HeadOf(leaf).Level == 0 && count <= HeadOf(leaf).Population, $"{count} frames were in a leaf of {HeadOf(leaf).Population} pages.");
        FreeTable(leaf);
        gathered = 0;
        if (gather is null || IsWholeBlock(addresses[..count]))
        {
            DropUnused(addresses[..count]);
            return count;
        }

        foreach (ulong address in addresses[..count])
        {
            gather.Add(address);
        }

        gathered = count;
        return count;
    }

    /// <summary>The same for a leaf that somebody has a hazard for: accesses are waited for, and what leases and faults hold is deferred.</summary>
    /// <param name="leaf">The leaf.</param>
    /// <param name="first">Its first page.</param>
    public int ReleaseUsedLeaf(ulong* leaf, ulong first)
    {
        Span<ulong> removed = stackalloc ulong[SharedTables.Entries];
        ref TableHead head = ref HeadOf(leaf);
        head.Lock.Enter();
        for (int i = 0; i < SharedTables.Entries; i++)
        {
            var value = new LeafEntry(leaf[i]);
            removed[i] = value.Word;
            NoteRemoved(value);
            Put(ref head, leaf + i, LeafEntry.Empty);
        }

        Invariant.Assert(head.Population == 0 && head.FirstPage == first, $"A leaf of page {head.FirstPage:x} that goes as that of {first:x} has {head.Population} pages.");
        head.IsHuge = false;
        head.Lock.Exit();

        // The fence that they passed when the table was taken out made them known.
        Span<ulong> words = stackalloc ulong[Hazards.Capacity];
        Hazards.AwaitAccesses(Key, first, first + SharedTables.Entries);
        var hazards = Hazards.LookAgain(Key, words);
        int count = DropEntries(hazards, first, removed, default);
        FreeOrDefer(hazards, leaf);
        return count;
    }

    /// <summary>
    /// Lets frames go that no entry leads to and nobody has a hazard for, and frees those that nobody else refers to. A block of which all frames go, one after the other,
    /// goes back as one; any other is split.
    /// </summary>
    /// <param name="addresses">Their addresses.</param>
    public void DropUnused(ReadOnlySpan<ulong> addresses)
    {
        Span<Pfn> free = stackalloc Pfn[SharedTables.Entries];
        int count = 0;
        var block = new Pfn(0);
        int ofBlock = 0;
        for (int i = 0; i < addresses.Length; i++)
        {
            nuint address = (nuint)addresses[i];
            Invariant.Assert((address & (nuint)LowMask) == 0 && _zone.Contains((void*)address), $"A frame at 0x{address:x} loses a mapping.");
            if (IsWholeBlock(addresses[i..]))
            {
                FreeWholeBlock(address);
                i += SharedTables.Entries - 1;
                continue;
            }

            // Nobody can come to refer to it any more, so that the count need not be written of a frame that is nobody else's.
            ref FrameHead head = ref FrameOf(address);
            FrameRest rest = head.IsOwn ? FrameRest.Unused : LetGo(ref head);
            if (rest == FrameRest.Unused)
            {
                FreeSlot(head.TakeSlot());
                free[count++] = _zone.FrameOf((void*)address);
                if (count == free.Length)
                {
                    _frames.FreeBulk(free, Order.Zero);
                    count = 0;
                }
            }
            else if (rest == FrameRest.UnusedOfBlock)
            {
                FreeSlotOfBlock(address);
                if (ofBlock != 0 && BlockOf(address) != block)
                {
                    CountGone<NoPause>(block, ofBlock);
                    ofBlock = 0;
                }

                block = BlockOf(address);
                ofBlock++;
            }
        }

        _frames.FreeBulk(free[..count], Order.Zero);
        if (ofBlock != 0)
        {
            CountGone<NoPause>(block, ofBlock);
        }
    }

    /// <summary>Whether frames that go begin with all those of a block, in order, and nobody else refers to any of them: so that none of it can have gone.</summary>
    private bool IsWholeBlock(ReadOnlySpan<ulong> addresses)
    {
        if (addresses.Length < SharedTables.Entries || _zone.FrameOf((void*)addresses[0]).Value % Order.Huge.Frames != 0)
        {
            return false;
        }

        for (int i = 0; i < SharedTables.Entries; i++)
        {
            if (addresses[i] != addresses[0] + ((ulong)i * Pfn.FrameBytes) || FrameOf((nuint)addresses[i]) is not { IsInBlock: true, IsExclusive: true })
            {
                return false;
            }
        }

        return true;
    }

    private void FreeWholeBlock(nuint address)
    {
        Invariant.Assert(FrameOf(address).IsBlockWhole, "A block goes back as one, and some of its frames went before.");
        for (int i = 0; i < SharedTables.Entries; i++)
        {
            FreeSlot(FrameOf(address + ((nuint)i * Pfn.FrameBytes)).TakeSlot());
        }

        _frames.Free(_zone.FrameOf((void*)address), Order.Huge);
    }

    /// <summary>Gives the tables above the leaves back, when no leaf is left. The caller is alone with them, but for who still has a hazard.</summary>
    public void FreeUpperTables(ulong* root)
    {
        Span<ulong> words = stackalloc ulong[Hazards.Capacity];
        var hazards = Hazards.LookAgain(Key, words);
        FreeUpperTables(hazards, root, RootLevel);
    }

    private void FreeUpperTables(Hazards hazards, ulong* table, int level)
    {
        Invariant.Assert(HeadOf(table).Level == level && level > 0, $"A table of level {HeadOf(table).Level} goes as one of {level}.");
        for (int i = 0; level > 1 && i < SharedTables.Entries; i++)
        {
            // Plain: who looked for leaves has passed the lock of the table, behind which nobody adds one.
            var below = (ulong*)table[i];
            if (below != SharedTables.Empty(level - 1))
            {
                FreeUpperTables(hazards, below, level - 1);
            }
        }

        if (HeadOf(table).IsHuge == IsOfTree)
        {
            FreeTable(table);
        }
        else
        {
            FreeOrDefer(hazards, table);
        }
    }

    private void FreeOrDefer(Hazards hazards, ulong* table)
    {
        ref TableHead head = ref HeadOf(table);
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
