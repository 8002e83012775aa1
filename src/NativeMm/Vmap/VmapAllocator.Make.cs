using System.Numerics;
using NativeMm.Diagnostics;
using NativeMm.Platform;
using NativeMm.Primitives;

namespace NativeMm.Vmap;

/// <content>Making ranges: a record, addresses, frames, mappings, in this order, and undone in the opposite one.</content>
public sealed unsafe partial class VmapAllocator
{
    private long _made;

    /// <summary>Makes a range; as long as that fails, takes the next step towards room for it and tries again.</summary>
    /// <param name="wish">The range.</param>
    /// <param name="frames">Its first frames, numbers plus one, referenced by whoever asks; the rest is allocated.</param>
    /// <param name="frameCount">How many.</param>
    /// <param name="address">The first byte, or null.</param>
    /// <param name="refusal">What the system said, if it was the system that refused.</param>
    private VmapOutcome MakeOrReclaim(in RangeWish wish, uint* frames, uint frameCount, out void* address, out PlatformResult refusal)
    {
        Invariant.Assert(
            wish.Pages != 0 && wish.Pages == PagesOf(wish.Bytes) && BitOperations.IsPow2(wish.AlignPages),
            $"{wish.Pages} pages at a multiple of {wish.AlignPages} are made for {wish.Bytes} bytes.");
        address = null;
        refusal = PlatformResult.Success;
        Invariant.Assert(frameCount <= wish.Pages, $"{frameCount} frames are given for {wish.Pages} pages.");
        VmapOutcome outcome = JudgeAlone(wish, frameCount);
        if (outcome != VmapOutcome.Success)
        {
            return outcome;
        }

        MakeRoomFor(wish.Pages - frameCount);
        ReclaimSteps steps = StepsFor(wish.Bytes);
        do
        {
            outcome = _canMap ? Make(wish, frames, frameCount, out address, out refusal) : MakeContiguous(wish, out address, out refusal);
        }
        while (outcome != VmapOutcome.Success && TryReclaim(ref steps, outcome, wish.Bytes));
        return outcome;
    }

    /// <summary>What becomes of a wish if nothing else is in the window and the zone. Nobody has to give anything up for one that fails here.</summary>
    private VmapOutcome JudgeAlone(in RangeWish wish, uint frameCount)
    {
        if (!_canMap && BlockBytes(wish) > Order.Max.Bytes)
        {
            return VmapOutcome.TooLong;
        }

        if (wish.Pages - frameCount > _zone.FrameCount)
        {
            return VmapOutcome.NoFrames;
        }

        nuint alignment = wish.AlignPages << Pfn.FrameShift;
        nuint skipped = (0 - _window) & (alignment - 1);
        nuint bytes = (nuint)(wish.Pages + wish.GuardPages) << Pfn.FrameShift;
        return skipped <= _windowBytes && bytes <= _windowBytes - skipped ? VmapOutcome.Success : VmapOutcome.NoRange;
    }

    private VmapOutcome Make(in RangeWish wish, uint* frames, uint frameCount, out void* address, out PlatformResult refusal)
    {
        address = null;
        refusal = PlatformResult.Success;
        VmapOutcome outcome = TryTakeRecord(out uint record, out refusal);
        if (outcome != VmapOutcome.Success)
        {
            return outcome;
        }

        if (!TryTakeAddresses(wish, out uint start, out long freeRanges))
        {
            _areas.Give(record);
            return VmapOutcome.NoRange;
        }

        var range = new PageRange(start, wish.Pages + wish.GuardPages);
        refusal = _areas.TryOpenPages(range.End);
        if (!refusal.Succeeded)
        {
            GiveUp(record, range);
            return VmapOutcome.NoBookkeeping;
        }

        uint* slots = _areas.FrameOf + start;
        Invariant.Assert(slots[0] == 0 && _areas.AreaOf[start] == 0, $"Page {start} was free and is of range {_areas.AreaOf[start]}, with frame {slots[0]}.");
        bool zeroed = (wish.Flags & VmapFlags.Zeroed) != 0;
        bool huge = (wish.Flags & VmapFlags.Huge) != 0;
        outcome = !TryShare(frames, frameCount, slots) ? VmapOutcome.FrameGone
            : !AllocateRest(slots, frameCount, wish.Pages, zeroed, huge) ? VmapOutcome.NoFrames
            : VmapOutcome.Success;
        if (outcome != VmapOutcome.Success)
        {
            GiveUp(record, range);
            return outcome;
        }

        Invariant.Assert(slots[0] != 0 && slots[wish.Pages - 1] != 0, $"A range of {wish.Pages} pages lacks its first frame or its last one.");
        Describe(record, wish, range);
        outcome = _mapper.TryMap(start, wish.Pages, wish.GuardPages, holes: 0, freeRanges, out uint mappings, out refusal);
        _areas.Records[record].Mappings = mappings;
        if (outcome == VmapOutcome.NoMappings)
        {
            // Nothing was mapped: everything can go back at once.
            _references.Release(slots, wish.Pages);
            _areas.Enter(range, 0);
            GiveUp(record, range);
            return outcome;
        }

        if (outcome != VmapOutcome.Success)
        {
            // A part may be mapped. The purge that follows takes it down as any freed range.
            AddLazy(record, _areas.Records + record);
            return outcome;
        }

        // Frames that were given are known to whoever gave them.
        Publish(record, wish.Kind == VmapAreaKind.Alloc && frameCount == 0 && wish.Pages <= VmapPool.PagesMax);
        address = (void*)_mapper.AddressOf(start);
        return VmapOutcome.Success;
    }

    /// <summary>Takes a record, and opens the next ones when there is none.</summary>
    private VmapOutcome TryTakeRecord(out uint record, out PlatformResult refusal)
    {
        refusal = PlatformResult.Success;
        while ((record = _areas.TryTake()) == 0)
        {
            if (!_areas.TryOpenRecords(_free, _lazy, _scratchTable, out refusal))
            {
                return refusal.Succeeded ? VmapOutcome.NoRecords : VmapOutcome.NoBookkeeping;
            }
        }

        return VmapOutcome.Success;
    }

    /// <summary>Takes addresses; the boundaries of 2 MiB that huge frames like are a wish, the range is not.</summary>
    private bool TryTakeAddresses(in RangeWish wish, out uint start, out long freeRanges)
    {
        uint pages = wish.Pages + wish.GuardPages;
        bool huge = (wish.Flags & VmapFlags.Huge) != 0 && wish.Pages >= Order.Huge.Frames && wish.AlignPages < Order.Huge.Frames;
        return (huge && _free.TryTake(pages, Order.Huge.Frames, out start, out freeRanges))
            || _free.TryTake(pages, wish.AlignPages, out start, out freeRanges);
    }

    /// <summary>One more reference for each given frame, into the slots of a range.</summary>
    private bool TryShare(uint* frames, uint count, uint* slots)
    {
        for (uint i = 0; i < count; i++)
        {
            Invariant.Assert(frames[i] != 0 && slots[i] == 0, $"Frame {frames[i]} is shared by a page that has {slots[i]}.");
            if (!_references.TryReference(new Pfn(frames[i] - 1)))
            {
                _references.Release(slots, i);
                return false;
            }

            Atomic.StoreRelease(ref slots[i], frames[i]);
        }

        return true;
    }

    private bool AllocateRest(uint* slots, uint shared, uint pages, bool zeroed, bool huge)
    {
        if (shared >= pages || _references.TryAllocate(slots + shared, pages - shared, zeroed, huge))
        {
            return true;
        }

        _references.Release(slots, shared);
        return false;
    }

    private void Describe(uint record, in RangeWish wish, PageRange range)
    {
        VmapArea* area = _areas.Records + record;
        Invariant.Assert(record != 0 && area->State == VmapAreaState.None, $"Record {record} gets a range and is {area->State}.");
        Invariant.Assert(
            range.Pages == wish.Pages + wish.GuardPages && range.End <= _windowPages,
            $"A range of {wish.Pages} pages gets pages {range.Start} to {range.End}, of {_windowPages}.");
        area->Version.BeginWrite();
        area->Start = range.Start;
        area->Pages = wish.Pages;
        area->GuardPages = (byte)wish.GuardPages;
        area->Kind = (byte)wish.Kind;
        area->Flags = (ushort)wish.Flags;
        area->Bytes = wish.Bytes;
        area->AlignPages = (uint)wish.AlignPages;
        area->Home = (uint)(CoreId.CurrentHint.Value & _poolMask);
        area->Version.EndWrite();
        _areas.Enter(range, record);
    }

    private void Publish(uint record, bool poolable)
    {
        VmapArea* area = _areas.Records + record;
        Invariant.Assert(
            area->State == VmapAreaState.None && area->Pages != 0 && _areas.AreaOf[area->Start] == record,
            $"Record {record} becomes busy with {area->Pages} pages, {area->State}.");
        Invariant.Assert(!poolable || area->Pages <= VmapPool.PagesMax, $"A range of {area->Pages} pages may be pooled.");
        Atomic.Add(ref _made, 1);
        Atomic.StoreRelease(ref area->Word, new VmapAreaWord(area->Word).ToNextOwner(poolable).Value); // [V1] pairs with [V2]
    }
}
