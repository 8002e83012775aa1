using System.Runtime.CompilerServices;
using NativeMm.Diagnostics;
using NativeMm.Primitives;

namespace NativeMm.Zsmalloc;

/// <content>From a handle to the lock of its object, and giving a slot back.</content>
internal sealed unsafe partial class ZsAllocator<TLocking, TStatistics, TPause>
{
    /// <summary>Pause point: the cell was read, its lock is not taken.</summary>
    public const string PauseResolved = "cell read, lock not taken";

    private const int FreeCellsMax = 2 * CellBatch;

    /// <inheritdoc/>
    public override void Free(ZsHandle handle)
    {
        ulong* word = CellOf(handle);
        ZsShard<TStatistics>* shard = LockShardOf(handle, word, out ZsCell cell);
        uint @class = cell.Class;
        uint zspage = cell.Zspage;
        Zspage* page = PageAt(zspage);
        ref readonly ZsClass geometry = ref _classes[@class];
        ref ulong head = ref HeadOf(page, geometry, cell.Object);
        Invariant.Assert(new ZsHead(head).IsUsed || geometry.IsHuge, $"Slot {cell.Object} of zspage {zspage} is freed and not in use.");
        Invariant.Assert(page->InUse != 0 && shard->Used > 0, $"Zspage {zspage} of {page->InUse} objects gives one back, of {shard->Used} in its shard.");
        shard->Used--;
        shard->UsedBytes -= new ZsHead(head).ObjectBytes;
        PutSlot(page, ref head, cell.Object);

        uint number = (uint)handle.Value & (ZsCell.CellCount - 1);
        ZsCell free = cell.Free(shard->FreeCell);
        if (cell.IsSpent)
        {
            RetireCell(word);
        }
        else
        {
            Atomic.StoreRelease(ref *word, free.Bits); // [A4]
            shard->FreeCell = number;
            shard->FreeCellCount++;
        }

        uint dead = page->IsIsolated || !Regroup(shard, zspage, page, geometry.GroupOf(page->InUse)) ? 0 : Thinned(shard, zspage, page, geometry);
        uint surplus = shard->FreeCellCount > FreeCellsMax ? DetachCells(shard) : 0;
        Invariant.Assert((shard->FreeCell != 0) == (shard->FreeCellCount != 0), $"A shard counts {shard->FreeCellCount} free cells, and cell {shard->FreeCell} is the first.");
        AssertAlive(shard, zspage, dead);
        bool compact = shard->WantsCompaction == WantsToBeAsked;
        LockOf(shard).Exit();
        if (dead != 0 || surplus != 0 || compact)
        {
            AfterFree(shard, dead, surplus, compact);
        }
    }

    /// <summary>The cell of a handle of this pool; throws for any other.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ulong* CellOf(ZsHandle handle)
    {
        if (handle.Value >> TagShift != _liveTag)
        {
            ThrowForeign(handle);
        }

        void* word = _cells.Find((uint)handle.Value & (ZsCell.CellCount - 1));
        if (word == null)
        {
            ThrowForeign(handle);
        }

        return (ulong*)word;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ulong* CellAt(uint cell) => (ulong*)_cells.At(cell);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint GenerationOf(ZsHandle handle) => (uint)(handle.Value >> GenerationShift) & ZsCell.GenerationMax;

    /// <summary>Takes the lock of the shard that a handle's object is in; throws when there is no object any more.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ZsShard<TStatistics>* LockShardOf(ZsHandle handle, ulong* word, out ZsCell cell)
    {
        while (true)
        {
            cell = ReadLive(handle, word);
            uint index = Atomic.LoadAcquire(ref PageAt(cell.Zspage)->ShardPlusOne) - 1;
            TPause.Reach(PauseResolved);

            // A zspage that has just moved to another class is one that the object has left: the first look was stale.
            if (index / (uint)_stripes != cell.Class)
            {
                continue;
            }

            ZsShard<TStatistics>* shard = Shard(index);
            ref WaiterLock<TStatistics> guard = ref LockOf(shard);
            guard.Enter();
            var again = new ZsCell(Atomic.LoadAcquire(ref *word));
            if (again.Bits == cell.Bits && PageAt(cell.Zspage)->ShardPlusOne == index + 1)
            {
                return shard;
            }

            guard.Exit();
        }
    }

    /// <summary>The cell's word while the handle is good; throws when it is not.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ZsCell ReadLive(ZsHandle handle, ulong* word)
    {
        var cell = new ZsCell(Atomic.LoadAcquire(ref *word));
        uint generation = GenerationOf(handle);
        if (cell.Generation != generation || (generation & 1) == 0)
        {
            ThrowStale(handle);
        }

        Invariant.Assert(cell.IsLive && cell.Zspage != 0 && cell.Class < (uint)ClassCount, $"A live handle names zspage {cell.Zspage} of class {cell.Class}.");
        return cell;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void PutSlot(Zspage* page, ref ulong head, uint slot)
    {
        Invariant.Assert(page->InUse != 0 && slot < page->Fresh && page->FreeSlot != slot, $"Slot {slot} of {page->Fresh} becomes free, in a zspage of {page->InUse} objects.");
        head = ZsHead.Free(page->FreeSlot).Bits;
        page->FreeSlot = (ushort)slot;
        page->InUse--;
    }

    /// <summary>What follows when a free moved a zspage down a group. Under the lock.</summary>
    /// <returns>The zspage, if it is dead now and its frames are to be given back, else 0.</returns>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private uint Thinned(ZsShard<TStatistics>* shard, uint zspage, Zspage* page, in ZsClass geometry)
    {
        Invariant.Assert(LockOf(shard).IsHeld && !page->IsIsolated, $"Zspage {zspage} is looked at after a free, and is isolated or without the lock.");
        if (page->InUse != 0)
        {
            NoteWaste(shard, geometry);
            return 0;
        }

        if (shard->Rebuilds >= RebuildsBeforeKeeping && shard->Lists.Counts[0] == 1)
        {
            return 0;
        }

        shard->FreedEmpty = true;
        return TryKill(shard, zspage, page) ? zspage : 0;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void AfterFree(ZsShard<TStatistics>* shard, uint dead, uint surplus, bool compact)
    {
        if (dead != 0)
        {
            Invariant.Assert(PageAt(dead)->ShardPlusOne == 0 && PageAt(dead)->InUse == 0, $"Zspage {dead} is given back with {PageAt(dead)->InUse} objects.");
            GiveBack(dead, _classes[ClassOf(shard)].Frames);
        }

        if (surplus != 0)
        {
            ReturnCells(IndexOf(shard), surplus);
        }

        if (compact && Atomic.CompareExchange(ref shard->WantsCompaction, WantsToBeAsked, Asked))
        {
            _compaction?.Ask();
        }
    }
}
