using System.Runtime.InteropServices;
using NativeMm.Diagnostics;
using NativeMm.Platform;
using NativeMm.Primitives;

namespace NativeMm.Vmap;

/// <content>Changing the size of a range, and ranges with a unit for each core.</content>
public sealed unsafe partial class VmapAllocator
{
    /// <summary>
    /// Changes the size of a range. It stays where it is if it shrinks, if its last page has room, or if the addresses behind it are free; otherwise its
    /// frames appear at a new address, at a multiple of the alignment that it was allocated with. Nothing is copied, except where the system cannot map.
    /// </summary>
    /// <remarks>
    /// A range that needs less than half of its pages any more gives the others up, as if they were freed. A guarded range keeps all of them, and so does
    /// a block of contiguous frames where the system cannot map. No other use of the range may overlap.
    /// </remarks>
    /// <param name="address">A range from <see cref="Alloc"/>; null allocates one.</param>
    /// <param name="bytes">The new size, 1 or more.</param>
    /// <param name="flags">Wishes for what is added; <see cref="VmapFlags.Guarded"/> stays as it was.</param>
    /// <returns>The first byte; the old address is not valid any more if it is another.</returns>
    /// <exception cref="MemoryFaultException">The address is not the start of such a range.</exception>
    /// <exception cref="OutOfMemoryException">No frames, addresses or mappings are left; the range stays as it was.</exception>
    public void* Realloc(void* address, nuint bytes, VmapFlags flags = VmapFlags.None)
    {
        if (address == null)
        {
            return Alloc(bytes, flags);
        }

        RequireValid(bytes, flags, 0);
        return Realloc<NoPause>(address, bytes, flags);
    }

    /// <summary>As <see cref="Realloc(void*, nuint, VmapFlags)"/> of a range, with a place to pause at.</summary>
    /// <typeparam name="TPause">Who pauses.</typeparam>
    /// <param name="address">The range.</param>
    /// <param name="bytes">As there.</param>
    /// <param name="flags">As there.</param>
    internal void* Realloc<TPause>(void* address, nuint bytes, VmapFlags flags)
        where TPause : struct, IPausePoint
    {
        // Held, so that whoever frees the range beside this is told, and takes nothing away.
        VmapArea* area = Hold<TPause>(address, out VmapAreaWord held);
        try
        {
            return Resize(address, area, bytes, flags);
        }
        finally
        {
            // Unless it moved: then the range was given back, and the record may be another owner's.
            if (area->ReadWord() == held)
            {
                Atomic.StoreRelease(ref area->Word, held.LetGo(held.IsPoolable && area->Pages <= VmapPool.PagesMax).Value); // [V1] pairs with [V2]
            }
        }
    }

    private void* Resize(void* address, VmapArea* area, nuint bytes, VmapFlags flags)
    {
        nuint before = area->Bytes;
        bool zeroed = (flags & VmapFlags.Zeroed) != 0;
        if (PagesOf(bytes) <= area->Pages)
        {
            ResizeWithin(area, bytes);
            ClearTail(address, before, bytes, zeroed);
            return address;
        }

        if (!_canMap)
        {
            return MoveByCopy(address, area, bytes, flags);
        }

        nuint oldEnd = (nuint)area->Pages << Pfn.FrameShift;
        if (TryGrowInPlace(area, bytes, zeroed))
        {
            ClearTail(address, before, oldEnd, zeroed);
            return address;
        }

        return Move(address, area, bytes, flags);
    }

    /// <summary>
    /// Allocates congruent ranges, one a core: what lies at some offset in the unit of one core lies at the same offset in the unit of any other, and
    /// no two units share a page.
    /// </summary>
    /// <remarks>
    /// There are <see cref="Environment.ProcessorCount"/> units. A process that may use some processors of a larger machine only can see higher core
    /// numbers; these share units with lower ones. A thread may also be moved to another core at any time, so that what lies in a unit is to be changed by
    /// atomic operations anyway.
    /// </remarks>
    /// <param name="bytes">Bytes of a unit, 1 or more; rounded up to whole pages.</param>
    /// <param name="flags">Wishes.</param>
    /// <returns>The units; <see cref="Free(void*)"/> of their address takes them back.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="bytes"/> is 0, or the units are longer than the window.</exception>
    /// <exception cref="ObjectDisposedException">The allocator is disposed.</exception>
    /// <exception cref="OutOfMemoryException">No frames, addresses or mappings are left.</exception>
    public VmapPerCoreArea AllocPerCore(nuint bytes, VmapFlags flags = VmapFlags.None)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        nuint cores = (nuint)Environment.ProcessorCount;
        nuint most = ((_windowBytes - Pfn.FrameBytes) / cores) & ~((nuint)Pfn.FrameBytes - 1);
        if (bytes == 0 || bytes > most)
        {
            throw new ArgumentOutOfRangeException(
                nameof(bytes), (ulong)bytes, $"A unit has 1 to {most} bytes, which is the window less a page by the number of processors, in whole pages, not {bytes}.");
        }

        nuint stride = (nuint)PagesOf(bytes) << Pfn.FrameShift;
        RequireValid(stride * cores, flags, 0);
        var wish = new RangeWish(VmapAreaKind.PerCore, stride * cores, PagesOf(stride * cores), flags, 1);
        VmapOutcome outcome = MakeOrReclaim(wish, default, 0, out void* address, out PlatformResult refusal);
        if (outcome != VmapOutcome.Success)
        {
            ThrowOutOf(outcome, wish.Bytes, refusal);
        }

        return new VmapPerCoreArea((nuint)address, stride, (int)cores);
    }

    /// <summary>Takes a busy range that Alloc or Realloc gave into this thread's hands, to resize it.</summary>
    private VmapArea* Hold<TPause>(void* address, out VmapAreaWord held)
        where TPause : struct, IPausePoint
    {
        nuint offset = (nuint)address - _window;
        if (offset >= _windowBytes)
        {
            MemoryFault.ThrowForeignPointer((nuint)address, "this VmapAllocator");
        }

        uint page = (uint)(offset >> Pfn.FrameShift);
        uint record = Atomic.LoadAcquire(ref _areas.AreaOf[page]); // [V2] pairs with [V1]
        VmapArea* area = _areas.Records + record;
        VmapAreaWord seen = area->ReadWord();
        bool isStart = record != 0 && area->Start == page && (offset & (Pfn.FrameBytes - 1)) == 0 && area->Kind != (byte)VmapAreaKind.Map;
        if (isStart && area->Kind == (byte)VmapAreaKind.PerCore && seen.State == VmapAreaState.Busy)
        {
            throw new ArgumentException($"The range at 0x{(nuint)address:x} has a unit for each core; such a range keeps its size.", nameof(address));
        }

        TPause.Reach(PauseFound);
        if (!isStart || !area->TryStep(VmapAreaStep.Hold, seen, out held))
        {
            ThrowNotFreeable(address, record, seen, VmapAreaKind.Alloc);
            held = default;
        }

        return area;
    }

    private static void ClearTail(void* address, nuint from, nuint to, bool wanted)
    {
        if (wanted && to > from)
        {
            NativeMemory.Clear((byte*)address + from, to - from);
        }
    }

    private static void Resize(VmapArea* area, uint pages, nuint bytes, uint mappings)
    {
        Invariant.Assert(
            new VmapAreaWord(area->Word) is { State: VmapAreaState.Busy, IsHeld: true } && pages >= PagesOf(bytes),
            $"A range of {pages} pages is resized to {bytes} bytes by nobody who holds it.");
        area->Version.BeginWrite();
        area->Pages = pages;
        area->Bytes = bytes;
        area->Mappings = mappings;
        area->Version.EndWrite();
    }

    /// <summary>Changes the size within the pages that a range has. One that has more than twice the pages that it needs keeps those that it needs.</summary>
    private void ResizeWithin(VmapArea* area, nuint bytes)
    {
        uint pages = PagesOf(bytes);
        bool shrinks = _canMap && area->GuardPages == 0 && pages < area->Pages / 2;
        uint record = 0;
        if (!shrinks || TryTakeRecord(out record, out _) != VmapOutcome.Success)
        {
            Resize(area, area->Pages, bytes, area->Mappings);
            return;
        }

        // A run of frames that the cut goes through is one mapping still. It counts for the part that stays, which has it when the rest is unmapped.
        uint mappings = VmapMapper.CountRuns(_areas.FrameOf + area->Start, pages);
        Invariant.Assert(area->Mappings >= mappings, $"{pages} of {area->Pages} pages have {mappings} mappings, of {area->Mappings}.");
        uint restMappings = area->Mappings - mappings;
        var rest = new PageRange(area->Start + pages, area->Pages - pages);
        Resize(area, pages, bytes, mappings);
        FreeRest(record, rest, restMappings);
    }

    /// <summary>Pages with frames that are no part of a range any more, or never became one, are a freed range of their own.</summary>
    private void FreeRest(uint record, PageRange rest, uint mappings)
    {
        Invariant.Assert(rest.Pages != 0 && record != 0, $"The {rest.Pages} pages that are left have {mappings} mappings.");
        Describe(record, new RangeWish(VmapAreaKind.Alloc, (nuint)rest.Pages << Pfn.FrameShift, rest.Pages, VmapFlags.None, 1), rest);
        _areas.Records[record].Mappings = mappings;
        AddLazy(record, _areas.Records + record);
    }

    private bool TryGrowInPlace(VmapArea* area, nuint bytes, bool zeroed)
    {
        if (area->GuardPages != 0)
        {
            return false;
        }

        uint end = area->Range.End;
        uint more = PagesOf(bytes) - area->Pages;
        var added = new PageRange(end, more);
        if ((ulong)end + more > _windowPages || !_free.TryTakeAt(added))
        {
            return false;
        }

        // The record for what is added is only needed when it is mapped in part; but then there has to be one.
        if (TryTakeRecord(out uint record, out _) != VmapOutcome.Success || !_areas.TryOpenPages(added.End).Succeeded
            || !_references.TryAllocate(_areas.FrameOf + end, more, zeroed, huge: false))
        {
            GiveUp(record, added);
            return false;
        }

        VmapOutcome outcome = _mapper.TryMap(end, more, 0, holes: 0, _free.Ranges, out uint mappings, out _);
        if (outcome == VmapOutcome.NoMappings)
        {
            _references.Release(_areas.FrameOf + end, more);
            GiveUp(record, added);
            return false;
        }

        if (outcome != VmapOutcome.Success)
        {
            FreeRest(record, added, mappings);
            return false;
        }

        Invariant.Assert(_areas.FrameOf[end] != 0 && _areas.FrameOf[added.End - 1] != 0, $"A range grows by {more} pages without their frames.");
        _areas.Give(record);
        _areas.Enter(added, _areas.AreaOf[area->Start]);
        Resize(area, area->Pages + more, bytes, area->Mappings + mappings);
        return true;
    }

    /// <summary>Addresses that nothing was mapped at, and a record that nothing was written to.</summary>
    private void GiveUp(uint record, PageRange range)
    {
        Invariant.Assert(
            _areas.AreaOf[range.Start] == 0 && _areas.FrameOf[range.Start] == 0,
            $"Page {range.Start} becomes free and is of range {_areas.AreaOf[range.Start]}, with frame {_areas.FrameOf[range.Start]}.");
        _free.Give(range);
        if (record != 0)
        {
            _areas.Give(record);
        }
    }

    /// <summary>The frames of a range, and the missing ones behind them, at a new address.</summary>
    private void* Move(void* address, VmapArea* area, nuint bytes, VmapFlags flags)
    {
        VmapFlags kept = (VmapFlags)area->Flags & VmapFlags.Guarded;
        var wish = new RangeWish(VmapAreaKind.Alloc, bytes, PagesOf(bytes), (flags & ~VmapFlags.Guarded) | kept, nuint.Max(area->AlignPages, 1));
        uint* frames = _areas.FrameOf + area->Start;
        VmapOutcome outcome = MakeOrReclaim(wish, frames, area->Pages, out void* moved, out PlatformResult refusal);
        if (outcome != VmapOutcome.Success)
        {
            ThrowOutOf(outcome, bytes, refusal);
        }

        ClearTail(moved, area->Bytes, (nuint)area->Pages << Pfn.FrameShift, (flags & VmapFlags.Zeroed) != 0);

        // Neither of the two is for a pool: the frames are the new range's, and the old one stays mapped until the next purge.
        FreeHeld(area);
        return moved;
    }

    private void* MoveByCopy(void* address, VmapArea* area, nuint bytes, VmapFlags flags)
    {
        Invariant.Assert(!_canMap && area->ReadWord().IsHeld, $"The range at page {area->Start} is copied, and can be mapped anew or is held by nobody.");
        nuint before = area->Bytes;
        void* moved = Alloc(bytes, flags, (nuint)area->AlignPages << Pfn.FrameShift);
        NativeMemory.Copy(address, moved, nuint.Min(before, bytes));
        FreeHeld(area);
        return moved;
    }

    /// <summary>Takes a range back that this thread holds.</summary>
    private void FreeHeld(VmapArea* area)
    {
        Invariant.Assert(area->ReadWord().IsHeld, $"The range at page {area->Start} is given back by nobody who holds it.");
        area->MoveTo(VmapAreaState.None);
        Atomic.Add(ref _lazyFrees, 1);
        FreeLazy(_areas.AreaOf[area->Start], area);
    }
}
