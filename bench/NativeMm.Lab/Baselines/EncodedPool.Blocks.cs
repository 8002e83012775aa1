using NativeMm.Diagnostics;
using NativeMm.Frames;
using NativeMm.Primitives;

namespace NativeMm.Lab.Baselines;

/// <content>Cells, blocks and compaction, all under a class's lock.</content>
internal sealed unsafe partial class EncodedPool<TEncoding, TStatistics>
{
    /// <summary>Moves objects from the emptiest blocks to the fullest, class by class, as far as whole blocks can be freed.</summary>
    /// <returns>Frames freed by this call.</returns>
    public long Compact()
    {
        long blocks = 0;
        for (int i = _classes.Length - 1; i >= 0; i--)
        {
            while (TryFreeBlock(_classes[i]))
            {
                blocks++;
            }
        }

        return blocks << EncodedGeometry.BlockOrder;
    }

    /// <summary>Checks the pool: slots = used + free, and every object's cell names its slot. Call it at rest.</summary>
    /// <exception cref="InvariantViolationException">Something does not add up.</exception>
    public void Validate()
    {
        var used = new long[_classes.Length];
        foreach (EncodedBlock? block in _blocks)
        {
            if (block is { Used: > 0 })
            {
                EncodedClass<TStatistics> owner = _classes[_classOfBlock[block.Number]];
                Invariant.Check(CountLive(owner, block) == block.Used, "A block of the encodings' pool counts its objects wrong.");
                Invariant.Check(block.Index >= 0 == block.Used < owner.SlotsPerBlock, "A block of the encodings' pool is in the wrong list.");
                used[owner.Index] += block.Used;
            }
        }

        foreach (EncodedClass<TStatistics> owner in _classes)
        {
            Invariant.Check(used[owner.Index] == owner.Used, "A class of the encodings' pool counts its objects wrong.");
        }
    }

    private uint TakeCell(EncodedClass<TStatistics> owner)
    {
        if (owner.DeadCell == EncodedCell.NextMax)
        {
            AddCells(owner);
        }

        uint number = owner.DeadCell;
        owner.DeadCell = new EncodedCell(_cells[number]).Next;
        return number;
    }

    private void AddCells(EncodedClass<TStatistics> owner)
    {
        uint end = Atomic.Add(ref _cellsUsed, CellBatch);
        if (end > CellsMax)
        {
            throw new InsufficientMemoryException($"The pool has no more than {CellsMax} cells for handles.");
        }

        for (uint number = end - CellBatch; number < end; number++)
        {
            Publish(number, EncodedCell.Dead(0, owner.DeadCell));
            owner.DeadCell = number;
        }
    }

    private EncodedBlock AddBlock(EncodedClass<TStatistics> owner)
    {
        if (!_frames.TryAllocate(s_blockOrder, FrameFlags.None, out Pfn frame, out _))
        {
            throw new InsufficientMemoryException("The zone ran out of frames.");
        }

        int number = (int)(frame.Value >> EncodedGeometry.BlockOrder);
        EncodedBlock block = _blocks[number] ??= new EncodedBlock(number);
        _classOfBlock[number] = (byte)owner.Index;
        block.Used = 0;
        block.FirstFree = -1;
        for (int slot = owner.SlotsPerBlock - 1; slot >= 0; slot--)
        {
            int place = slot * owner.SlotBytes / EncodedGeometry.Step;
            *(long*)SlotOf(number, place) = block.FirstFree;
            block.FirstFree = place;
        }

        owner.Slots += owner.SlotsPerBlock;
        owner.AddRoomy(block);
        return block;
    }

    private int TakeSlot(EncodedClass<TStatistics> owner, EncodedBlock block)
    {
        int place = block.FirstFree;
        block.FirstFree = (int)*(long*)SlotOf(block.Number, place);
        if (++block.Used == owner.SlotsPerBlock)
        {
            owner.RemoveRoomy(block);
        }

        return place;
    }

    private void GiveSlot(EncodedClass<TStatistics> owner, EncodedBlock block, int place)
    {
        *(long*)SlotOf(block.Number, place) = block.FirstFree;
        block.FirstFree = place;
        if (block.Used-- == owner.SlotsPerBlock)
        {
            owner.AddRoomy(block);
        }

        if (block.Used == 0)
        {
            owner.RemoveRoomy(block);
            owner.Slots -= owner.SlotsPerBlock;
            _frames.Free(FrameOf(block.Number), s_blockOrder);
        }
    }

    // One block at a time under the lock, so that others get their turn.
    private bool TryFreeBlock(EncodedClass<TStatistics> owner)
    {
        owner.Lock.Enter();
        try
        {
            if (owner.Slots - owner.Used < owner.SlotsPerBlock)
            {
                return false;
            }

            Empty(owner, owner.Roomy.MinBy(b => b.Used)!);
            return true;
        }
        finally
        {
            owner.Lock.Exit();
        }
    }

    // The other blocks have room for all objects of the source: else the class would not have had a whole block of free slots.
    private void Empty(EncodedClass<TStatistics> owner, EncodedBlock source)
    {
        // With its last object the source goes back to the frames, and its record may be another class's at once: it is not looked at again.
        EncodedBlock? destination = null;
        int left = source.Used;
        for (int slot = 0; left > 0; slot++)
        {
            int place = slot * owner.SlotBytes / EncodedGeometry.Step;
            if (TryFindCell(source, place, out uint number))
            {
                destination = destination is { Index: >= 0 } ? destination : owner.Roomy.Where(b => b != source).MaxBy(b => b.Used)!;
                Move(owner, source, place, destination, number);
                left--;
            }
        }
    }

    private void Move(EncodedClass<TStatistics> owner, EncodedBlock source, int place, EncodedBlock destination, uint number)
    {
        int to = TakeSlot(owner, destination);
        Buffer.MemoryCopy(SlotOf(source.Number, place), SlotOf(destination.Number, to), owner.SlotBytes, owner.SlotBytes);
        Publish(number, new EncodedCell(_cells[number]).MovedTo(destination.Number, to));
        owner.BytesMoved += owner.SlotBytes;
        GiveSlot(owner, source, place);
    }

    private int CountLive(EncodedClass<TStatistics> owner, EncodedBlock block) => Enumerable.Range(0, owner.SlotsPerBlock)
        .Count(slot => TryFindCell(block, slot * owner.SlotBytes / EncodedGeometry.Step, out _));

    // A slot is in use when the cell of the handle in its head names it: a free slot's head names cell 0, or none.
    private bool TryFindCell(EncodedBlock block, int place, out uint number)
    {
        ulong head = *(ulong*)SlotOf(block.Number, place);
        number = NumberOf(head);
        if (number == 0 || number >= CellsMax)
        {
            return false;
        }

        var cell = new EncodedCell(_cells[number]);
        return cell.IsLive(GenerationOf(head)) && cell.Block == block.Number && cell.Place == place;
    }
}
