using NativeMm.Frames;
using NativeMm.Primitives;
using NativeMm.Teardown;

namespace NativeMm.AddressSpaces;

/// <content>Giving back tables that were taken out. The note of <see cref="TableRelease"/> says why each step is safe.</content>
internal sealed unsafe partial class PageTables
{
    /// <summary>Gives a leaf and its pages back that nobody has a hazard for.</summary>
    /// <param name="leaf">The leaf.</param>
    /// <param name="gather">Who frees the pages; null for at once.</param>
    /// <returns>Pages that had a frame.</returns>
    public int ReleaseLeaf(ulong* leaf, FrameGather? gather)
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

        FreeTable(leaf);
        if (gather is null)
        {
            DropUnused(addresses[..count]);
            return count;
        }

        foreach (ulong address in addresses[..count])
        {
            gather.Add(address);
        }

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

        head.IsHuge = false;
        head.Lock.Exit();

        // The fence that they passed when the table was taken out made them known.
        Span<ulong> words = stackalloc ulong[Hazards.Capacity];
        Hazards.AwaitAccesses(Key, first, first + SharedTables.Entries);
        var hazards = Hazards.LookAgain(Key, words);
        int count = 0;
        for (int i = 0; i < SharedTables.Entries; i++)
        {
            var value = new LeafEntry(removed[i]);
            count += value.Kind == EntryKind.Frame ? 1 : 0;
            DropEntry(hazards, first + (ulong)i, value);
        }

        FreeOrDefer(hazards, leaf);
        return count;
    }

    /// <summary>Lets frames go that no entry leads to and nobody has a hazard for, and frees those that nobody else refers to.</summary>
    /// <param name="addresses">Their addresses.</param>
    public void DropUnused(ReadOnlySpan<ulong> addresses)
    {
        const int Batch = 512;
        Span<Pfn> free = stackalloc Pfn[Batch];
        int count = 0;
        var block = new Pfn(0);
        uint ofBlock = 0;
        foreach (ulong address in addresses)
        {
            ref FrameHead head = ref FrameOf((nuint)address);
            if (!head.IsExclusive)
            {
                // A fork has it as well, or a pin.
                DropMapping((nuint)address);
                continue;
            }

            // Nobody can come to refer to it any more, so that the count need not be written.
            FreeSlot(head.TakeSlot());
            Pfn frame = _zone.FrameOf((void*)address);
            if (!head.IsInBlock)
            {
                free[count++] = frame;
                if (count == Batch)
                {
                    _frames.FreeBulk(free, Order.Zero);
                    count = 0;
                }

                continue;
            }

            var first = new Pfn(frame.Value & ~(Order.Huge.Frames - 1));
            if (first != block && ofBlock != 0)
            {
                DropOfBlock(block, ofBlock);
                ofBlock = 0;
            }

            block = first;
            ofBlock++;
        }

        _frames.FreeBulk(free[..count], Order.Zero);
        if (ofBlock != 0)
        {
            DropOfBlock(block, ofBlock);
        }
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

    private void DropOfBlock(Pfn first, uint frames)
    {
        if (FrameOf((nuint)_zone.AddressOf(first)).DropBlockFrames(frames))
        {
            _frames.Free(first, Order.Huge);
        }
    }
}
