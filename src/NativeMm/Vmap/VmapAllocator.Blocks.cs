using NativeMm.Diagnostics;
using NativeMm.Platform;
using NativeMm.Primitives;

namespace NativeMm.Vmap;

/// <content>The blocks that short-lived maps are cut from: made, found by address, flushed, and given up.</content>
public sealed unsafe partial class VmapAllocator
{
    private readonly VmapBlockQueue[] _queues;
    private readonly Registrations<VmapBlock> _blocks = new();
    private long _blockPages;

    /// <summary>
    /// Unmaps everything that was given back but may still be reachable by its old addresses: the stale parts of all blocks, the blocks in use among
    /// them, and everything lazy.
    /// </summary>
    /// <exception cref="ObjectDisposedException">The allocator is disposed.</exception>
    public void UnmapAliases()
    {
        using EndGate.Visit inside = _end.Visiting(this);

        // Under the purge lock: a run that another flush has taken out and not unmapped yet would be missed.
        using (_purgeLock.EnterScope())
        {
            foreach (VmapBlockQueue queue in _queues)
            {
                for (VmapBlock? block = FirstOf(queue); block is not null; block = NextOf(queue))
                {
                    FlushStale(block);
                }
            }

            if (_canMap)
            {
                DecayAndPurge();
            }
        }
    }

    private static VmapBlockQueue[] MakeQueues(int count)
    {
        var queues = new VmapBlockQueue[count];
        for (int i = 0; i < count; i++)
        {
            queues[i] = new VmapBlockQueue();
        }

        return queues;
    }

    /// <summary>
    /// Begins a walk through the blocks of a queue. Those that are made meanwhile are not met: nothing of them can be stale since before the walk. The
    /// caller holds the purge lock, so that there is one walk at a time.
    /// </summary>
    private static VmapBlock? FirstOf(VmapBlockQueue queue)
    {
        using (queue.Lock.EnterScope())
        {
            queue.Walk = queue.First;
            return StepOf(queue);
        }
    }

    private static VmapBlock? NextOf(VmapBlockQueue queue)
    {
        using (queue.Lock.EnterScope())
        {
            return StepOf(queue);
        }
    }

    private static VmapBlock? StepOf(VmapBlockQueue queue)
    {
        Invariant.Assert(queue.Lock.IsHeldByCurrentThread, "A walk goes on in a queue without its lock.");
        VmapBlock? block = queue.Walk;
        queue.Walk = block?.Next;
        return block;
    }

    /// <summary>Takes a map back if one of so many frames begins there; otherwise nothing changes.</summary>
    /// <param name="block">Its block.</param>
    /// <param name="offset">Its first page.</param>
    /// <param name="frames">Its frames.</param>
    /// <param name="done">Whether the block is used up and out of its queue, so that the caller retires it.</param>
    private static bool TryReturn(VmapBlock block, uint offset, int frames, out bool done)
    {
        // The block knows its queue: its address says nothing about the core that made it.
        using (block.Queue.Lock.EnterScope())
        {
            done = false;
            if (frames <= 0 || offset >= VmapBlock.Pages || block.FramesAt(offset) != frames)
            {
                return false;
            }

            block.Return(offset);
            done = DetachIfDone(block);
            return true;
        }
    }

    /// <summary>Takes a block out of its queue when all of it is used up and given back. Under the lock of the queue.</summary>
    private static bool DetachIfDone(VmapBlock block) => block.Dirty == VmapBlock.Pages && Detach(block);

    /// <summary>Takes a block out of its queue. False when somebody else did. Under the lock of the queue.</summary>
    private static bool Detach(VmapBlock block)
    {
        Invariant.Assert(block.Queue.Lock.IsHeldByCurrentThread, $"Block {block.Record} leaves its queue without the lock.");
        block.Close();
        block.Queue.Current = ReferenceEquals(block.Queue.Current, block) ? null : block.Queue.Current;
        return block.Queue.Remove(block);
    }

    private VmapOutcome Cut(VmapBlockQueue queue, int frames, out VmapBlock? block, out uint offset, out PlatformResult refusal)
    {
        refusal = PlatformResult.Success;
        VmapBlock? idle;
        using (queue.Lock.EnterScope())
        {
            block = queue.Current;
            if (block is not null && block.TryCut(frames, out offset))
            {
                return VmapOutcome.Success;
            }

            idle = CloseCurrent(queue);
        }

        offset = 0;
        RetireIfAny(idle);
        VmapOutcome outcome = MakeBlock(queue, out block, out refusal);
        if (outcome != VmapOutcome.Success)
        {
            return outcome;
        }

        // The block is this thread's until it is in the queue.
        bool cut = block!.TryCut(frames, out offset);
        Invariant.Assert(cut && offset == 0, $"The first {frames} pages of a block are cut at {offset}.");
        using (queue.Lock.EnterScope())
        {
            // Another thread may have made one meanwhile. Nothing more is cut from that one, so it must not wait to be used up.
            idle = CloseCurrent(queue);
            queue.Add(block);
            queue.Current = block;
        }

        RetireIfAny(idle);
        return VmapOutcome.Success;
    }

    /// <summary>Stops cutting from the current block. Gives it if nothing of it is in use, so that it can go at once. Under the lock of the queue.</summary>
    private static VmapBlock? CloseCurrent(VmapBlockQueue queue)
    {
        Invariant.Assert(queue.Lock.IsHeldByCurrentThread, "The block that is cut from is closed without the lock of its queue.");
        VmapBlock? block = queue.Current;
        queue.Current = null;
        block?.Close();
        return block is { Used: 0 } && Detach(block) ? block : null;
    }

    private VmapOutcome MakeBlock(VmapBlockQueue queue, out VmapBlock? block, out PlatformResult refusal)
    {
        // What needs managed memory comes first, so that nothing is held when there is none.
        var made = new VmapBlock(queue);
        int slot = _blocks.Add(made);
        VmapOutcome outcome = TryTakeForBlock(out uint record, out uint start, out refusal);
        if (outcome != VmapOutcome.Success)
        {
            _blocks.RemoveAt(slot);
            block = null;
            return outcome;
        }

        var wish = new RangeWish(VmapAreaKind.Block, VmapBlock.Pages << Pfn.FrameShift, VmapBlock.Pages, VmapFlags.None, 1);
        block = made;
        block.Begin(record, start);
        Describe(record, wish, new PageRange(start, VmapBlock.Pages));
        _areas.Records[record].Slot = (uint)slot;

        // What is not cut yet.
        _areas.Records[record].Mappings = 1;
        _budget.Charge(1);
        Atomic.Add(ref _blockPages, VmapBlock.Pages);
        Invariant.Assert(
            block.Record == record && _areas.AreaOf[start + VmapBlock.Pages - 1] == record,
            $"The block at page {start} has record {block.Record}, and not {record} at its last page.");
        _areas.Records[record].MoveTo(VmapAreaState.Block);
        return VmapOutcome.Success;
    }

    private VmapOutcome TryTakeForBlock(out uint record, out uint start, out PlatformResult refusal)
    {
        start = 0;
        VmapOutcome outcome = TryTakeRecord(out record, out refusal);
        if (outcome != VmapOutcome.Success)
        {
            return outcome;
        }

        if (!_free.TryTake(VmapBlock.Pages, 1, out start, out _))
        {
            _areas.Give(record);
            return VmapOutcome.NoRange;
        }

        refusal = _areas.TryOpenPages(start + VmapBlock.Pages);
        if (refusal.Succeeded)
        {
            return VmapOutcome.Success;
        }

        GiveUp(record, new PageRange(start, VmapBlock.Pages));
        return VmapOutcome.NoBookkeeping;
    }

    private VmapBlock? BlockAt(uint page)
    {
        uint record = Atomic.LoadAcquire(ref _areas.AreaOf[page]); // [V2] pairs with [V1]
        VmapArea* area = _areas.Records + record;
        if (record == 0 || area->ReadWord().State != VmapAreaState.Block)
        {
            return null;
        }

        VmapBlock?[] blocks = _blocks.Places;
        VmapBlock? block = area->Slot < blocks.Length ? Atomic.LoadAcquire(ref blocks[area->Slot]) : null;
        return block?.Record == record ? block : null;
    }

    /// <summary>A block that is out of its queue becomes a lazily freed range.</summary>
    private void Retire(VmapBlock block)
    {
        VmapArea* area = Forget(block);
        AddLazy(block.Record, area);
    }

    private void RetireIfAny(VmapBlock? block)
    {
        if (block is not null)
        {
            Retire(block);
        }
    }

    /// <summary>A block is no block any more: its range is private to this thread.</summary>
    private VmapArea* Forget(VmapBlock block)
    {
        VmapArea* area = _areas.Records + block.Record;
        Invariant.Assert(
            area->State == VmapAreaState.Block && !block.IsQueued,
            $"Block {block.Record} ends while it is {area->State}{(block.IsQueued ? " and in its queue" : "")}.");
        Invariant.Assert(block.Used == 0, $"Block {block.Record} ends with {block.Used} pages in use.");
        _blocks.RemoveAt((int)area->Slot);
        Atomic.Add(ref _blockPages, -VmapBlock.Pages);
        Invariant.Assert(Atomic.LoadAcquire(ref _blockPages) >= 0, $"Blocks have {_blockPages} pages.");
        return area;
    }

    /// <summary>
    /// Retires blocks that nothing is mapped in at this moment, although not all of them is used up, as far as the bound allows. The caller holds
    /// the purge lock and purges next: a purge of their own, as other frees do, would be a purge inside of a purge.
    /// </summary>
    /// <param name="alone">What came of blocks that are longer than the bound is added here.</param>
    /// <returns>How many.</returns>
    private int RetireFragmented(ref PurgeYield alone)
    {
        Invariant.Assert(_purgeLock.IsHeldByCurrentThread, "Blocks are given up without the purge lock.");
        int retired = 0;
        bool isAlone = VmapBlock.Pages > _lazyPagesBound;
        foreach (VmapBlockQueue queue in _queues)
        {
            while (TryDetachFragmented(queue, isAlone) is { } block)
            {
                VmapArea* area = Forget(block);
                if (isAlone)
                {
                    PurgeAlone(block.Record, area, ref alone);
                }
                else
                {
                    AddReserved(area);
                }

                retired++;
            }
        }

        return retired;
    }

    /// <summary>Takes a block out of a queue that nothing is mapped in. No list of them is made: a free may purge, and it needs no managed memory.</summary>
    private VmapBlock? TryDetachFragmented(VmapBlockQueue queue, bool isAlone)
    {
        using (queue.Lock.EnterScope())
        {
            for (VmapBlock? block = queue.First; block is not null; block = block.Next)
            {
                if (block.Used == 0 && (isAlone || TryReserveLazy(VmapBlock.Pages)))
                {
                    Detach(block);
                    return block;
                }
            }
        }

        return null;
    }

    /// <summary>Unmaps what is stale in a block that is in use, fully cut ones among them.</summary>
    private void FlushStale(VmapBlock block)
    {
        Invariant.Assert(_purgeLock.IsHeldByCurrentThread, $"Block {block.Record} is flushed without the purge lock.");
        for (uint next = 0; TryTakeStale(block, next, out uint offset, out uint pages); next = offset + pages)
        {
            // Without the lock: who maps on this core does not wait for the system. What was taken out counts as in use, so that the block stays.
            var range = new PageRange(block.Start + offset, pages);
            bool unmapped = _mapper.TryRevoke(range, 0);
            if (unmapped)
            {
                _references.Release(_areas.FrameOf + range.Start, pages);
            }

            PutStale(block, offset, pages, unmapped);
        }
    }

    private static bool TryTakeStale(VmapBlock block, uint from, out uint offset, out uint pages)
    {
        using (block.Queue.Lock.EnterScope())
        {
            (offset, pages) = (0, 0);
            return block.IsQueued && block.TryTakeStale(from, out offset, out pages);
        }
    }

    private void PutStale(VmapBlock block, uint offset, uint pages, bool unmapped)
    {
        bool done;
        using (block.Queue.Lock.EnterScope())
        {
            block.PutStale(offset, pages, unmapped);
            done = DetachIfDone(block);
        }

        RetireIfAny(done ? block : null);
    }
}
