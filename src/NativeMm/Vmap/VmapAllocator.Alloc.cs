using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using NativeMm.Diagnostics;
using NativeMm.Frames;
using NativeMm.Platform;
using NativeMm.Primitives;

namespace NativeMm.Vmap;

/// <content>Ranges with frames of their own: out of the core's pool, or made.</content>
public sealed unsafe partial class VmapAllocator
{
    private const VmapFlags AllFlags = VmapFlags.Zeroed | VmapFlags.Guarded | VmapFlags.Huge;

    /// <summary>Ranges of a pool that are looked at for an alignment above a page, under the pool's lock.</summary>
    private const int AlignedLooks = 8;

    /// <summary>Allocates a contiguous range over frames that lie anywhere.</summary>
    /// <param name="bytes">1 or more; rounded up to whole pages.</param>
    /// <param name="flags">Wishes.</param>
    /// <param name="alignment">Power of two that the address is a multiple of, 0 for a page.</param>
    /// <returns>The first byte. The range belongs to the caller until <see cref="Free(void*)"/>.</returns>
    /// <exception cref="ArgumentException">The alignment is not a power of two, or a flag is unknown.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="bytes"/> is 0 or longer than the window.</exception>
    /// <exception cref="OutOfMemoryException">
    /// No frames, no address space, or no mappings are left, also after everything lazy was given up; or the system cannot map, and more than 4 MiB
    /// are asked for. The message names the limit.
    /// </exception>
    /// <exception cref="ObjectDisposedException">The allocator is disposed.</exception>
    public void* Alloc(nuint bytes, VmapFlags flags = VmapFlags.None, nuint alignment = 0)
    {
        VmapOutcome outcome = AllocCore(bytes, flags, alignment, out void* address, out PlatformResult refusal);
        if (outcome != VmapOutcome.Success)
        {
            ThrowOutOf(outcome, bytes, refusal, alignment);
        }

        return address;
    }

    /// <summary>Like <see cref="Alloc"/>, but says when it cannot.</summary>
    /// <param name="bytes">1 or more; rounded up to whole pages.</param>
    /// <param name="flags">Wishes.</param>
    /// <param name="alignment">Power of two that the address is a multiple of, 0 for a page.</param>
    /// <param name="address">The first byte, or null.</param>
    /// <returns>Whether there is a range; false when frames, addresses or mappings are short.</returns>
    /// <exception cref="ArgumentException">The alignment is not a power of two, or a flag is unknown.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="bytes"/> is 0 or longer than the window.</exception>
    public bool TryAlloc(nuint bytes, VmapFlags flags, nuint alignment, out void* address) =>
        AllocCore(bytes, flags, alignment, out address, out _) == VmapOutcome.Success;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private VmapOutcome AllocCore(nuint bytes, VmapFlags flags, nuint alignment, out void* address, out PlatformResult refusal)
    {
        refusal = PlatformResult.Success;
        nuint pages = (bytes + (Pfn.FrameBytes - 1)) >> Pfn.FrameShift;
        VmapPool* pools = _pools;
        if (pages - 1 < VmapPool.PagesMax && (flags & ~(VmapFlags.Zeroed | VmapFlags.Guarded)) == 0 && (alignment & (alignment - 1)) == 0
            && pools != null)
        {
            uint sizeClass = VmapPool.ClassOf((uint)pages, ((uint)flags >> 1) & 1);
            VmapPool* pool = &pools[CoreId.CurrentHint.Value & _poolMask];
            pool->Lock.Enter();
            uint record = pool->Head(sizeClass);
            VmapArea* area = _areas.Records + record;
            if (record != 0 && (alignment <= Pfn.FrameBytes || (_mapper.AddressOf(area->Start) & (alignment - 1)) == 0))
            {
                pool->Pop(sizeClass, area);
                pool->Hits++;
                pool->Lock.Exit();
                address = Hand(area, bytes, flags, alignment);
                return VmapOutcome.Success;
            }

            pool->Lock.Exit();
        }

        return AllocRefill(bytes, flags, alignment, out address, out refusal);
    }

    /// <summary>Makes a range that was in a pool busy.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void* Hand(VmapArea* area, nuint bytes, VmapFlags flags, nuint alignment)
    {
        void* address = (void*)_mapper.AddressOf(area->Start);
        Invariant.Assert(
            area->State == VmapAreaState.Pooled && area->Pages == PagesOf(bytes),
            $"A range of {area->Pages} pages, {area->State}, is handed out for {bytes} bytes.");
        Invariant.Assert(
            alignment == 0 || ((nuint)address & (alignment - 1)) == 0,
            $"The range at 0x{(nuint)address:x} is handed out for a multiple of {alignment}.");
        Invariant.Assert(
            _areas.Records + _areas.AreaOf[area->Start] == area && _areas.FrameOf[area->Start] != 0,
            $"The range at page {area->Start} is handed out without its pages.");
        if ((flags & VmapFlags.Zeroed) != 0)
        {
            // While the range is still nobody's: until here it holds the bytes of its last owner, which Read must not show.
            NativeMemory.Clear(address, (nuint)area->Pages << Pfn.FrameShift);
        }

        Invariant.Assert((area->GuardPages != 0) == ((flags & VmapFlags.Guarded) != 0), $"A range with {area->GuardPages} pages of guard is handed out for {flags}.");
        area->BeginOwner(bytes, flags, alignment);
        Atomic.StoreRelease(ref area->Word, new VmapAreaWord(area->Word).ToNextOwner(poolable: true).Value); // [V1] pairs with [V2]
        return address;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private VmapOutcome AllocRefill(nuint bytes, VmapFlags flags, nuint alignment, out void* address, out PlatformResult refusal)
    {
        RequireValid(bytes, flags, alignment);
        refusal = PlatformResult.Success;
        uint pages = PagesOf(bytes);
        nuint alignPages = nuint.Max(alignment, Pfn.FrameBytes) >> Pfn.FrameShift;
        bool mayBePooled = _canMap && pages <= VmapPool.PagesMax && (flags & VmapFlags.Huge) == 0;
        if (mayBePooled && (alignPages == 1 ? TrySteal(bytes, flags, pages, out address) : TryTakeAligned(bytes, flags, alignment, out address)))
        {
            return VmapOutcome.Success;
        }

        return MakeOrReclaim(new RangeWish(VmapAreaKind.Alloc, bytes, pages, flags, alignPages), default, 0, out address, out refusal);
    }

    /// <summary>Takes a range of the right size out of the pool of another core.</summary>
    private bool TrySteal(nuint bytes, VmapFlags flags, uint pages, out void* address)
    {
        address = null;
        uint sizeClass = VmapPool.ClassOf(pages, ((uint)flags >> 1) & 1);
        int here = CoreId.CurrentHint.Value & _poolMask;
        for (int step = 1; step <= _poolMask; step++)
        {
            VmapPool* pool = &_pools[(here + step) & _poolMask];
            if (!pool->Lock.TryEnter())
            {
                continue;
            }

            uint record = pool->Head(sizeClass);
            VmapArea* area = _areas.Records + record;
            if (record != 0)
            {
                pool->Pop(sizeClass, area);
                pool->Hits++;
            }

            pool->Lock.Exit();
            if (record != 0)
            {
                area->Home = (uint)here;
                address = Hand(area, bytes, flags, 0);
                return true;
            }
        }

        return false;
    }

    /// <summary>Looks a little below the top of this core's pool for a range at the right multiple.</summary>
    private bool TryTakeAligned(nuint bytes, VmapFlags flags, nuint alignment, out void* address)
    {
        uint* passed = stackalloc uint[AlignedLooks];
        int count = 0;
        VmapArea* found = null;
        uint sizeClass = VmapPool.ClassOf(PagesOf(bytes), ((uint)flags >> 1) & 1);
        VmapPool* pool = &_pools[CoreId.CurrentHint.Value & _poolMask];
        pool->Lock.Enter();
        while (found == null && count < AlignedLooks && pool->Head(sizeClass) is not 0 and uint record)
        {
            VmapArea* area = _areas.Records + record;
            pool->Pop(sizeClass, area);
            passed[count++] = record;
            found = (_mapper.AddressOf(area->Start) & (alignment - 1)) == 0 ? area : null;
        }

        pool->Hits += found != null ? 1 : 0;
        for (int i = count - (found != null ? 2 : 1); i >= 0; i--)
        {
            // There was room for it a moment ago.
            bool put = pool->TryPush(sizeClass, passed[i], _areas.Records + passed[i], long.MaxValue);
            Invariant.Assert(put, $"Range {passed[i]} was taken from its pool and does not go back.");
        }

        pool->Lock.Exit();
        address = found != null ? Hand(found, bytes, flags, alignment) : null;
        return found != null;
    }

    private static uint PagesOf(nuint bytes) => (uint)((bytes + (Pfn.FrameBytes - 1)) >> Pfn.FrameShift);

    private void RequireValid(nuint bytes, VmapFlags flags, nuint alignment)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (bytes == 0 || bytes > _windowBytes - Pfn.FrameBytes)
        {
            throw new ArgumentOutOfRangeException(
                nameof(bytes), (ulong)bytes, $"A range has 1 to {_windowBytes - Pfn.FrameBytes} bytes, which is the window less a page, not {bytes}.");
        }

        if ((alignment & (alignment - 1)) != 0)
        {
            throw new ArgumentException($"The alignment is {alignment}; it must be a power of two, or 0 for a page.", nameof(alignment));
        }

        RequireKnown(flags);
    }

    private static void RequireKnown(VmapFlags flags)
    {
        if ((flags & ~AllFlags) != 0)
        {
            throw new ArgumentException($"{flags} has flags that are none of {AllFlags}.", nameof(flags));
        }
    }

    /// <summary>Says what ran out, how much there is, and which setting bounds it.</summary>
    [DoesNotReturn]
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void ThrowOutOf(VmapOutcome outcome, nuint bytes, PlatformResult refusal, nuint alignment = 0)
    {
        string asked = alignment > Pfn.FrameBytes ? $"{bytes} bytes at a multiple of {alignment} were asked for" : $"{bytes} bytes were asked for";
        Exception problem = outcome switch
        {
            VmapOutcome.NoFrames => OutOfFrames.For(_frames, bytes),
            VmapOutcome.FrameGone => new ArgumentException($"{asked} over given frames, one of which was freed meanwhile.", nameof(bytes)),
            VmapOutcome.TooLong => new OutOfMemoryException(
                $"{asked}. This system cannot map frames side by side, so that a range is one block of contiguous frames: length and alignment are "
                + $"at most {Order.Max.Bytes} bytes, which no option changes."),
            VmapOutcome.NoRange => new OutOfMemoryException(
                $"Out of addresses: {asked}; of the window's {_windowPages} pages {_free.Pages} are free, "
                + $"{_free.Largest} of them in one piece. VmapOptions.WindowBytes sets the window."),
            VmapOutcome.NoRecords => new OutOfMemoryException(
                $"Out of ranges: {asked}, and all {_areas.Max} ranges that one window can have are in use."),
            VmapOutcome.NoBookkeeping => new OutOfMemoryException(
                $"{asked}, and the operating system refused memory for the bookkeeping of further ranges: {refusal}."
                + ResourceLimits.Explain(refusal, "VmapOptions.WindowBytes")),
            VmapOutcome.NoMappings when !_budget.IsLoweredBySystem => new OutOfMemoryException(
                $"Out of mappings: {asked}; {_budget.InUse} mappings are in use of {_budget.Max} allowed by "
                + $"VmapOptions.MappingsMax; the system's limit for the process is vm.max_map_count = {_platform.MappingsMax}."),
            VmapOutcome.NoMappings => new OutOfMemoryException(
                $"Out of mappings: {asked}; {_budget.InUse} mappings are in use. The operating system refused more, because the "
                + $"process has reached vm.max_map_count = {_platform.MappingsMax}; new ones are made when fewer than {_budget.Max} are in use."),
            _ => new OutOfMemoryException(
                $"The operating system refused to map: {asked}: {refusal}. {_budget.InUse} mappings are in use; its limit for the process is "
                + $"vm.max_map_count = {_platform.MappingsMax}."),
        };
        GC.KeepAlive(this);
        throw problem;
    }
}
