using System.Numerics;
using System.Runtime.CompilerServices;
using NativeMm.Diagnostics;
using NativeMm.Primitives;

namespace NativeMm.Zsmalloc;

/// <content>Taking a slot.</content>
internal sealed unsafe partial class ZsAllocator<TLocking, TStatistics, TPause>
{
    private const uint NonFullMask = (1u << ZsClass.FullGroup) - 1;
    private const int TagShift = 52;
    private const int GenerationShift = 30;

    // Rounds of a request that finds nothing although frames come back: others take them first.
    private const int AttemptsMax = 16;

    /// <inheritdoc/>
    public override bool TryAlloc(int bytes, out ZsHandle handle)
    {
        if ((uint)(bytes - 1) >= ZsPool.ObjectBytesMax || _liveTag != _tag)
        {
            ThrowNotAllocatable(bytes);
        }

        uint @class = _classOf[bytes];
        uint index = ShardIndexHere(@class);
        ZsShard<TStatistics>* shard = Shard(index);
        ref WaiterLock<TStatistics> guard = ref LockOf(shard);
        guard.Enter();
        bool found = TryTake(shard, @class, bytes, out handle);
        guard.Exit();
        return found || AllocRefill(index, bytes, out handle);
    }

    /// <summary>Takes a slot of the fullest zspage that has one. Under the lock.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool TryTake(ZsShard<TStatistics>* shard, uint @class, int bytes, out ZsHandle handle)
    {
        Invariant.Assert(LockOf(shard).IsHeld && ClassOf(shard) == @class, $"A slot of class {@class} is taken in shard {IndexOf(shard)}, of another class or without the lock.");
        uint present = shard->Lists.Present & NonFullMask;
        uint cell = shard->FreeCell;
        if (present == 0 || cell == 0)
        {
            handle = default;
            return false;
        }

        uint zspage = shard->Lists.Heads[BitOperations.Log2(present)];
        Zspage* page = PageAt(zspage);
        ref readonly ZsClass geometry = ref _classes[@class];
        uint slot = TakeSlot(page, geometry);
        Invariant.Assert(slot < geometry.Objects && page->InUse < geometry.Objects, $"Zspage {zspage} gives slot {slot}, and has {page->InUse} of {geometry.Objects} in use.");
        Invariant.Assert(!page->IsIsolated && _classOf[bytes] == @class, $"An object of {bytes} bytes is put into class {@class}.");
        HeadOf(page, geometry, slot) = ZsHead.Used(cell, bytes).Bits;
        page->InUse++;
        Regroup(shard, zspage, page, geometry.GroupOf(page->InUse));
        shard->Takes++;
        shard->Used++;
        shard->UsedBytes += bytes;
        Invariant.Assert(shard->Used <= (long)shard->Zspages * geometry.Objects, $"A shard of {shard->Zspages} zspages has {shard->Used} objects of class {@class}.");

        ulong* word = CellAt(cell);
        var free = new ZsCell(*word);
        Invariant.Assert(!free.IsLive && !free.IsSpent, $"Cell {cell} is given out and is live, or used up.");
        ZsCell live = free.Use(zspage, @class, slot);
        shard->FreeCell = free.Next;
        Invariant.Assert(shard->FreeCellCount != 0 && (shard->FreeCell != 0) == (shard->FreeCellCount > 1), $"A shard counts {shard->FreeCellCount} free cells, and cell {free.Next} is the next.");
        shard->FreeCellCount--;
        AssertZspage(shard, zspage);
        Atomic.StoreRelease(ref *word, live.Bits); // [A5] pairs with [A2]
        handle = new ZsHandle(((ulong)_tag << TagShift) | ((ulong)live.Generation << GenerationShift) | cell);
        return true;
    }

    /// <summary>Takes a free slot of a zspage that has one. Under the lock of its shard.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private uint TakeSlot(Zspage* page, in ZsClass geometry)
    {
        Invariant.Assert(
            page->FreeSlot == Zspage.NoSlot ? page->Fresh < geometry.Objects : page->FreeSlot < page->Fresh,
            $"A slot is taken from a zspage whose free one is {page->FreeSlot}, with {page->Fresh} ever used of {geometry.Objects}.");
        uint slot = page->FreeSlot;
        if (slot == Zspage.NoSlot)
        {
            return page->Fresh++;
        }

        page->FreeSlot = new ZsHead(HeadOf(page, geometry, slot)).Next;
        return slot;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool AllocRefill(uint index, int bytes, out ZsHandle handle)
    {
        Invariant.Assert(index < (uint)ShardCount, $"Shard {index} of {ShardCount} is refilled.");
        uint @class = index / (uint)_stripes;
        ZsShard<TStatistics>* shard = Shard(index);
        ref WaiterLock<TStatistics> guard = ref LockOf(shard);
        for (int attempt = 0; ; attempt++)
        {
            long before = Atomic.LoadAcquire(ref _framesGivenBack);
            guard.Enter();
            bool found = TryTake(shard, @class, bytes, out handle);
            bool needsCells = shard->FreeCell == 0;
            bool needsZspage = (shard->Lists.Present & NonFullMask) == 0;
            guard.Exit();
            if (found)
            {
                return true;
            }

            if (needsCells && !TryRefillCells(index))
            {
                return false;
            }

            if (needsZspage && !TryTakeOver(index, leaving: 1) && !TryBuild(index) && !TryFindLast(index)
                && (attempt >= AttemptsMax || Atomic.LoadAcquire(ref _framesGivenBack) == before))
            {
                // Nothing came back that others could have taken first.
                return false;
            }
        }
    }

    /// <summary>The last look of a request without frames: a zspage of another stripe, or one that a compactor of the class had off the lists.</summary>
    /// <returns>Whether the shard has a zspage with room, at this moment.</returns>
    private bool TryFindLast(uint index)
    {
        if (TryTakeOver(index, leaving: 0))
        {
            return true;
        }

        AwaitCompactorOf(index / (uint)_stripes);
        return (Atomic.LoadAcquire(ref Shard(index)->Lists.Present) & NonFullMask) != 0 || TryTakeOver(index, leaving: 0);
    }
}
