using NativeMm.Diagnostics;
using NativeMm.Platform;
using NativeMm.Primitives;

namespace NativeMm.Vmap;

/// <content>Short-lived small maps, cut from a block of the core: one record, one free range and one unmapping for a thousand pages.</content>
public sealed unsafe partial class VmapAllocator
{
    /// <summary>Most frames of a <see cref="MapRam"/> that is cut from a block; longer ones take a range of their own.</summary>
    public const int RamFramesMax = VmapBlock.MapPagesMax;

    private readonly VmapBlockQueue[] _queues;
    private readonly Lock _blocksLock = new();
    private VmapBlock?[] _blocks = new VmapBlock?[16];
    private long _blockPages;
    private long _ramMaps;
    private long _ramUnmaps;

    /// <summary>
    /// Like <see cref="Map"/>, for maps that live for a moment only: the addresses come from a block of this core and are unmapped with all others of the
    /// block.
    /// </summary>
    /// <param name="frames">Frames from <see cref="AllocateFrames"/> or <see cref="FrameOf"/>; up to <see cref="RamFramesMax"/> come from a block.</param>
    /// <returns>The first byte. The range belongs to the caller until <see cref="UnmapRam"/>.</returns>
    /// <exception cref="ArgumentException">There are no frames, or one of them is nobody's.</exception>
    /// <exception cref="OutOfMemoryException">No address space or no mappings are left.</exception>
    /// <exception cref="PlatformNotSupportedException">The system cannot map a frame twice.</exception>
    public void* MapRam(ReadOnlySpan<Pfn> frames)
    {
        if (frames.Length > RamFramesMax)
        {
            return Map(frames);
        }

        RequireMappable(frames, VmapFlags.None);
        nuint bytes = (nuint)frames.Length << Pfn.FrameShift;
        VmapOutcome outcome;
        void* address;
        PlatformResult refusal;
        int step = 0;
        do
        {
            outcome = MapRamOnce(frames, out address, out refusal);
        }
        while (outcome != VmapOutcome.Success && TryReclaim(ref step, outcome, bytes));
        if (outcome != VmapOutcome.Success)
        {
            ThrowOutOf(outcome, bytes, refusal);
        }

        return address;
    }

    /// <summary>Takes a map back that <see cref="MapRam"/> gave.</summary>
    /// <param name="address">Its first byte; null is ignored.</param>
    /// <param name="count">How many frames it was made of.</param>
    /// <exception cref="MemoryFaultException">No such map is there, or it has another size.</exception>
    public void UnmapRam(void* address, int count)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (address == null)
        {
            return;
        }

        if (count > RamFramesMax)
        {
            Unmap(address);
            return;
        }

        nuint offset = (nuint)address - _window;
        uint page = (uint)(offset >> Pfn.FrameShift);
        VmapBlock? block = offset < _windowBytes && (offset & (Pfn.FrameBytes - 1)) == 0 ? BlockAt(page) : null;
        uint pages = count > 0 ? VmapBlock.Rounded(count) : 1;
        if (block is null || count <= 0 || !ReturnToBlock(block, page - block.Start, pages, out bool done))
        {
            MemoryFault.Throw(
                MemoryFaultKind.ForeignPointer,
                (nuint)address,
                $"No map of {count} frames from MapRam is at 0x{(nuint)address:x}: it is unmapped already, or it has another size.");
            return;
        }

        Atomic.Add(ref _ramUnmaps, 1);
        if (done)
        {
            Retire(block);
        }
    }

    /// <summary>
    /// Unmaps everything that was given back but may still be reachable by its old addresses: the stale parts of all blocks, the blocks in use among
    /// them, and everything lazy.
    /// </summary>
    public void UnmapAliases()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        foreach (VmapBlockQueue queue in _queues)
        {
            foreach (VmapBlock block in BlocksOf(queue))
            {
                FlushStale(block);
            }
        }

        if (_canMap)
        {
            PurgeAndWait();
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

    private static VmapBlock[] BlocksOf(VmapBlockQueue queue)
    {
        lock (queue.Lock)
        {
            return [.. queue.Blocks];
        }
    }

    private static bool ReturnToBlock(VmapBlock block, uint offset, uint pages, out bool done)
    {
        // The block knows its queue: its address says nothing about the core that made it.
        lock (block.Queue.Lock)
        {
            done = false;
            if (!block.TryReturn(offset, pages))
            {
                return false;
            }

            done = block.Dirty == VmapBlock.Pages && Detach(block);
            return true;
        }
    }

    /// <summary>Takes a block out of its queue. False when somebody else did. Under the lock of the queue.</summary>
    private static bool Detach(VmapBlock block)
    {
        block.Close();
        block.Queue.Current = ReferenceEquals(block.Queue.Current, block) ? null : block.Queue.Current;
        return block.Queue.Blocks.Remove(block);
    }

    private VmapOutcome MapRamOnce(ReadOnlySpan<Pfn> frames, out void* address, out PlatformResult refusal)
    {
        address = null;
        refusal = PlatformResult.Success;
        uint pages = VmapBlock.Rounded(frames.Length);
        VmapBlockQueue queue = _queues[CoreId.CurrentHint.Value & _poolMask];
        VmapOutcome outcome = Cut(queue, pages, out VmapBlock? block, out uint offset);
        if (outcome != VmapOutcome.Success)
        {
            return outcome;
        }

        uint start = block!.Start + offset;
        uint[] slots = SlotsOf(frames);
        uint mappings = 0;
        fixed (uint* first = slots)
        {
            outcome = TryShare(first, (uint)slots.Length, _areas.FrameOf + start)
                ? _mapper.TryMap(start, (uint)slots.Length, 0, holes: 1, _free.Ranges, out mappings, out refusal)
                : VmapOutcome.FrameGone;
        }

        Atomic.Add(ref _areas.Records[block.Record].Mappings, mappings);

        if (outcome != VmapOutcome.Success)
        {
            // What may be mapped counts as stale and goes with the block.
            if (ReturnToBlock(block, offset, pages, out bool done) && done)
            {
                Retire(block);
            }

            return outcome;
        }

        Atomic.Add(ref _ramMaps, 1);
        address = (void*)_mapper.AddressOf(start);
        return VmapOutcome.Success;
    }

    private VmapOutcome Cut(VmapBlockQueue queue, uint pages, out VmapBlock? block, out uint offset)
    {
        VmapBlock? full;
        lock (queue.Lock)
        {
            block = queue.Current;
            if (block is not null && block.TryCut(pages, out offset))
            {
                return VmapOutcome.Success;
            }

            full = CloseCurrent(queue);
        }

        offset = 0;
        if (full is not null)
        {
            Retire(full);
        }

        VmapOutcome outcome = MakeBlock(queue, out block);
        if (outcome != VmapOutcome.Success)
        {
            return outcome;
        }

        // The block is this thread's until it is in the queue; another thread may have made one meanwhile, and then both are used up in turn.
        block!.TryCut(pages, out offset);
        lock (queue.Lock)
        {
            queue.Blocks.Add(block);
            queue.Current = block;
        }

        return VmapOutcome.Success;
    }

    /// <summary>Stops cutting from the current block. Gives it if nothing of it is in use, so that it can go at once. Under the lock of the queue.</summary>
    private static VmapBlock? CloseCurrent(VmapBlockQueue queue)
    {
        VmapBlock? block = queue.Current;
        queue.Current = null;
        block?.Close();
        return block is { Used: 0 } && Detach(block) ? block : null;
    }

    private VmapOutcome MakeBlock(VmapBlockQueue queue, out VmapBlock? block)
    {
        block = null;
        uint record = _areas.TryTake();
        if (record == 0)
        {
            return VmapOutcome.NoRecords;
        }

        if (!_free.TryTake(VmapBlock.Pages, 1, out uint start, out _))
        {
            _areas.Give(record);
            return VmapOutcome.NoRange;
        }

        var wish = new RangeWish(VmapAreaKind.Block, VmapBlock.Pages << Pfn.FrameShift, VmapBlock.Pages, VmapFlags.None, 1);
        block = new VmapBlock(queue, record, start);
        Describe(record, wish, new PageRange(start, VmapBlock.Pages));
        _areas.Records[record].Slot = Remember(block);

        // What is not cut yet.
        _areas.Records[record].Mappings = 1;
        _budget.Charge(1);
        Atomic.Add(ref _blockPages, VmapBlock.Pages);
        Publish(record, VmapAreaState.Block);
        return VmapOutcome.Success;
    }

    private uint Remember(VmapBlock block)
    {
        lock (_blocksLock)
        {
            int slot = Array.IndexOf(_blocks, null);
            if (slot < 0)
            {
                slot = _blocks.Length;
                var larger = new VmapBlock?[2 * slot];
                _blocks.CopyTo(larger, 0);
                Atomic.StoreRelease(ref _blocks, larger);
            }

            Atomic.StoreRelease(ref _blocks[slot], block);
            return (uint)slot;
        }
    }

    private VmapBlock? BlockAt(uint page)
    {
        uint record = Atomic.LoadAcquire(ref _areas.AreaOf[page]); // [V2] pairs with [V1]
        VmapArea* area = _areas.Records + record;
        if (record == 0 || Atomic.LoadAcquire(ref area->State) != (uint)VmapAreaState.Block)
        {
            return null;
        }

        VmapBlock?[] blocks = Atomic.LoadAcquire(ref _blocks);
        VmapBlock? block = area->Slot < blocks.Length ? Atomic.LoadAcquire(ref blocks[area->Slot]) : null;
        return block?.Record == record ? block : null;
    }

    /// <summary>A block that is out of its queue becomes a lazily freed range.</summary>
    private void Retire(VmapBlock block)
    {
        VmapArea* area = _areas.Records + block.Record;
        lock (_blocksLock)
        {
            _blocks[area->Slot] = null;
        }

        Atomic.Add(ref _blockPages, -VmapBlock.Pages);
        AddLazy(block.Record, area);
    }

    /// <summary>Retires all blocks that nothing is mapped in at this moment, although not all of them is used up.</summary>
    /// <returns>How many.</returns>
    private int RetireFragmented()
    {
        int retired = 0;
        foreach (VmapBlockQueue queue in _queues)
        {
            foreach (VmapBlock block in BlocksOf(queue))
            {
                bool idle;
                lock (queue.Lock)
                {
                    idle = block.Used == 0 && Detach(block);
                }

                if (idle)
                {
                    Retire(block);
                    retired++;
                }
            }
        }

        return retired;
    }

    /// <summary>Unmaps what is stale in a block that is in use, fully cut ones among them.</summary>
    private void FlushStale(VmapBlock block)
    {
        // The lock of the queue keeps the block from being retired meanwhile. It is no spin lock, and a flush is rare.
        lock (block.Queue.Lock)
        {
            if (!block.Queue.Blocks.Contains(block))
            {
                return;
            }

            while (block.TryTakeDirty(out uint offset, out uint pages))
            {
                var range = new PageRange(block.Start + offset, pages);
                if (!_mapper.TryRevoke(range, 0))
                {
                    block.PutDirty(offset, pages);
                    return;
                }

                _references.Release(_areas.FrameOf + range.Start, pages);
            }
        }
    }
}
