using System.Runtime.CompilerServices;
using NativeMm.Diagnostics;

namespace NativeMm.Zsmalloc;

/// <content>The accounting equations, and every link between cells, slots, zspages and frames.</content>
internal sealed unsafe partial class ZsAllocator<TLocking, TStatistics, TPause>
{
    /// <inheritdoc/>
    public override void Validate()
    {
        using var rest = new ZsRest(this);
        ValidateAtRest();
    }

    /// <inheritdoc/>
    public override void ValidateAtRest()
    {
        long used = 0;
        long frames = 0;
        long freeCells = 0;
        for (uint @class = 0; @class < (uint)ClassCount; @class++)
        {
            long bytes = 0;
            long asked = 0;
            for (uint index = @class * (uint)_stripes; index < (@class + 1) * (uint)_stripes; index++)
            {
                ZsShard<TStatistics>* shard = Shard(index);
                bytes += ValidateShard(index, shard);
                asked += shard->UsedBytes;
                used += shard->Used;
                frames += (long)shard->Zspages * _classes[@class].Frames;
                freeCells += ValidateCells(shard->FreeCell, shard->FreeCellCount);
            }

            Invariant.Check(bytes == asked, $"Class {@class} has objects of {bytes} bytes and counts {asked}.");
        }

        Invariant.Check(frames == TotalFrames, $"The zspages have {frames} frames; {TotalFrames} are counted.");
        ValidateCellCounts(used, freeCells);
        ValidateFrames(frames);
    }

    private long ValidateShard(uint index, ZsShard<TStatistics>* shard)
    {
        long used = 0;
        long bytes = 0;
        uint zspages = 0;
        for (uint group = 0; group < ZsClass.Groups; group++)
        {
            int count = 0;
            uint previous = 0;
            for (uint zspage = shard->Lists.Heads[group]; zspage != 0; zspage = PageAt(zspage)->Next)
            {
                Zspage* page = PageAt(zspage);
                Invariant.Check(page->Previous == previous, $"Zspage {zspage} follows {previous} and says {page->Previous}.");
                Invariant.Check(page->Group == group, $"Zspage {zspage} is listed in group {group} and says {page->Group}.");
                bytes += ValidateZspage(index, zspage, page);
                used += page->InUse;
                previous = zspage;
                count++;
            }

            bool present = (shard->Lists.Present & (1u << (int)group)) != 0;
            Invariant.Check(count == shard->Lists.Counts[group], $"Shard {index}, group {group}: {count} zspages, {shard->Lists.Counts[group]} counted.");
            Invariant.Check(present == (count != 0), $"Shard {index}, group {group}: {count} zspages, and its bit is {present}.");
            zspages += (uint)count;
        }

        Invariant.Check(zspages == shard->Zspages, $"Shard {index} lists {zspages} zspages and counts {shard->Zspages}.");
        Invariant.Check(used == shard->Used, $"Shard {index} has {used} objects and counts {shard->Used}.");
        return bytes;
    }

    private long ValidateZspage(uint index, uint zspage, Zspage* page)
    {
        uint @class = index / (uint)_stripes;
        ref readonly ZsClass geometry = ref _classes[@class];
        Invariant.Check(page->ShardPlusOne == index + 1, $"Zspage {zspage} is listed in shard {index} and says {(long)page->ShardPlusOne - 1}.");
        Invariant.Check(!page->IsIsolated, $"Zspage {zspage} is listed and isolated.");
        Invariant.Check((page->Pins & Zspage.Frozen) == 0, $"Zspage {zspage} is frozen at rest.");
        Invariant.Check(geometry.GroupOf(page->InUse) == page->Group, $"Zspage {zspage} has {page->InUse} objects and is in group {page->Group}.");
        for (int i = 0; i < geometry.Frames; i++)
        {
            uint frame = Zspage.FramesOf(page)[i];
            Invariant.Check(_zspageOfFrame[frame] == zspage, $"Frame {frame} is of zspage {zspage} and says {_zspageOfFrame[frame]}.");
        }

        uint used = 0;
        long bytes = 0;
        for (uint slot = 0; slot < page->Fresh; slot++)
        {
            var head = new ZsHead(HeadOf(page, geometry, slot));
            if (head.IsUsed)
            {
                var cell = new ZsCell(*CellAt(head.Cell));
                bool back = cell.IsLive && cell.Zspage == zspage && cell.Class == @class && cell.Object == slot;
                Invariant.Check(back, $"Slot {slot} of zspage {zspage} names cell {head.Cell}, which does not name it.");
                Invariant.Check(_classOf[head.ObjectBytes] == @class, $"An object of {head.ObjectBytes} bytes is in class {@class}.");
                bytes += head.ObjectBytes;
                used++;
            }
        }

        Invariant.Check(used == page->InUse, $"Zspage {zspage} has {used} objects and counts {page->InUse}.");
        ValidateFreeSlots(zspage, page, geometry);
        return bytes;
    }

    private void ValidateFreeSlots(uint zspage, Zspage* page, in ZsClass geometry)
    {
        int free = 0;
        for (ushort slot = page->FreeSlot; slot != Zspage.NoSlot; slot = new ZsHead(HeadOf(page, geometry, slot)).Next)
        {
            Invariant.Check(slot < page->Fresh, $"Zspage {zspage} chains slot {slot}, which was never used.");
            Invariant.Check(!new ZsHead(HeadOf(page, geometry, slot)).IsUsed, $"Zspage {zspage} chains slot {slot}, which is in use.");
            free++;
            Invariant.Check(free <= page->Fresh, $"The free slots of zspage {zspage} run in a circle.");
        }

        Invariant.Check(free + page->InUse == page->Fresh, $"Zspage {zspage}: {free} free and {page->InUse} used slots are not {page->Fresh}.");
    }

    private long ValidateCells(uint head, uint count)
    {
        uint found = 0;
        for (uint cell = head; cell != 0; cell = new ZsCell(*CellAt(cell)).Next)
        {
            Invariant.Check(!new ZsCell(*CellAt(cell)).IsLive, $"Cell {cell} is live and on a list of free ones.");
            found++;
            Invariant.Check(found <= count, $"A list of {count} free cells is longer than that.");
        }

        Invariant.Check(found == count, $"A list of {count} free cells has {found}.");
        return found;
    }

    private void ValidateCellCounts(long used, long freeOfShards)
    {
        long common = 0;
        foreach (uint head in _commonCells)
        {
            for (uint cell = head; cell != 0; cell = new ZsCell(*CellAt(cell)).Next)
            {
                common++;
            }
        }

        long live = 0;
        for (uint cell = FirstCell; cell < _cellEnd; cell++)
        {
            live += new ZsCell(*CellAt(cell)).IsLive ? 1 : 0;
        }

        long all = (long)_cellEnd - FirstCell;
        Invariant.Check(live == used, $"{used} objects have {live} live cells.");
        Invariant.Check(
            all == live + freeOfShards + common + _cellsRetired,
            $"{all} cells are not {live} live, {freeOfShards} free in shards, {common} common and {_cellsRetired} retired ones.");
    }

    private void ValidateFrames(long frames)
    {
        long mapped = 0;
        for (uint frame = 0; frame < _zone.OpenedFrames; frame++)
        {
            mapped += _zspageOfFrame[frame] != 0 ? 1 : 0;
        }

        Invariant.Check(mapped == frames, $"{frames} frames belong to zspages, {mapped} say so.");
    }

    /// <summary>Looks at a zspage that was changed, unless it has gone.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void AssertAlive(ZsShard<TStatistics>* shard, uint zspage, uint dead)
    {
        if (Invariant.AreAsserted && dead != zspage)
        {
            CheckZspage(shard, zspage);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void AssertZspage(ZsShard<TStatistics>* shard, uint zspage)
    {
        if (Invariant.AreAsserted)
        {
            CheckZspage(shard, zspage);
        }
    }

    /// <summary>What holds of a zspage on a list when the lock of its shard is given up.</summary>
    private void CheckZspage(ZsShard<TStatistics>* shard, uint zspage)
    {
        Zspage* page = PageAt(zspage);
        ref readonly ZsClass geometry = ref _classes[ClassOf(shard)];
        Invariant.Check(LockOf(shard).IsHeld, $"Zspage {zspage} is changed without the lock of its shard.");
        Invariant.Check(page->ShardPlusOne == IndexOf(shard) + 1, $"Zspage {zspage} is of shard {(long)page->ShardPlusOne - 1}, not {IndexOf(shard)}.");
        Invariant.Check(page->InUse <= page->Fresh && page->Fresh <= geometry.Objects, $"Zspage {zspage} has {page->InUse} of {page->Fresh} slots in use, of {geometry.Objects}.");
        Invariant.Check((page->FreeSlot == Zspage.NoSlot) == (page->InUse == page->Fresh), $"Zspage {zspage} has {page->Fresh - page->InUse} free slots, the first of them {page->FreeSlot}.");
        Invariant.Check(page->FreeSlot == Zspage.NoSlot || page->FreeSlot < page->Fresh, $"The first free slot {page->FreeSlot} of zspage {zspage} was never used.");
        Invariant.Check(page->IsIsolated || page->Group == geometry.GroupOf(page->InUse), $"Zspage {zspage} has {page->InUse} objects and is in group {page->Group}.");
        Invariant.Check(page->IsIsolated || (shard->Lists.Present >> page->Group & 1) != 0, $"Group {page->Group} has zspage {zspage} and its bit is not set.");
        Invariant.Check(page->IsIsolated || page->Previous != 0 || shard->Lists.Heads[page->Group] == zspage, $"Zspage {zspage} has none before it and is not the first of group {page->Group}.");
        Invariant.Check(shard->Zspages != 0 && shard->Used >= 0, $"A shard of {shard->Zspages} zspages has {shard->Used} objects.");
    }
}
