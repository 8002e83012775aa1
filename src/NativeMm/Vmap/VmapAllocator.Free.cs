using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using NativeMm.Diagnostics;
using NativeMm.Primitives;

namespace NativeMm.Vmap;

/// <content>Taking ranges back: into the pool of their core, or into the lazy set.</content>
public sealed unsafe partial class VmapAllocator
{
    /// <summary>Where a race test may hold a thread: the range was found, and nothing was done to it yet.</summary>
    internal const string PauseFound = "the range was found";

    private long _lazyFrees;

    /// <summary>
    /// Takes a range back that <see cref="Alloc"/>, <see cref="Realloc"/> or <see cref="AllocPerCore"/> gave. Any thread may free any range.
    /// </summary>
    /// <param name="address">The first byte; null is ignored.</param>
    /// <exception cref="MemoryFaultException">The address is not the start of such a range, or the range is free already.</exception>
    public void Free(void* address) => Free<NoPause>(address);

    /// <summary>As <see cref="Free(void*)"/>, with a place to pause at.</summary>
    /// <typeparam name="TPause">Who pauses.</typeparam>
    /// <param name="address">As there.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void Free<TPause>(void* address)
        where TPause : struct, IPausePoint
    {
        nuint offset = (nuint)address - _window;
        if (offset >= _windowBytes)
        {
            FreeForeign(address);
            return;
        }

        uint page = (uint)(offset >> Pfn.FrameShift);
        uint record = Atomic.LoadAcquire(ref _areas.AreaOf[page]); // [V2] pairs with [V1]
        VmapArea* area = _areas.Records + record;
        VmapAreaWord seen = area->ReadWord();
        bool isStart = area->Start == page && area->Kind != (byte)VmapAreaKind.Map && record != 0 && (offset & (Pfn.FrameBytes - 1)) == 0;
        TPause.Reach(PauseFound);
        if (!isStart || !area->TryStep(VmapAreaStep.End, seen, out VmapAreaWord ended))
        {
            ThrowNotFreeable(address, record, seen, VmapAreaKind.Alloc);
            return;
        }

        if (ended.IsPoolable)
        {
            Invariant.Assert(area->Home <= (uint)_poolMask, $"A range comes from core {area->Home} of {_poolMask + 1}.");
            VmapPool* pool = &_pools[area->Home];
            pool->Lock.Enter();
            pool->Frees++;
            bool kept = pool->TryPush(VmapPool.ClassOf(area->Pages, area->GuardPages), record, area, _pooledPagesMax);
            pool->Lock.Exit();
            if (kept)
            {
                return;
            }
        }
        else
        {
            Atomic.Add(ref _lazyFrees, 1);
        }

        FreeLazy(record, area);
    }

    /// <summary>
    /// Gives back what an owner has who may outlive the allocator, or his finalizer, which runs beside anything: <see cref="Dispose"/> waits for one that
    /// is in here; one that comes later has nothing left to do.
    /// </summary>
    /// <param name="address">The first byte of the range.</param>
    /// <param name="isMap">Whether it came from Map, otherwise from Alloc.</param>
    /// <param name="frames">Frames that were held besides.</param>
    internal void FreeUnlessDisposed(void* address, bool isMap, ReadOnlySpan<Pfn> frames)
    {
        if (!_end.TryEnter())
        {
            return;
        }

        try
        {
            FreeAll(address, isMap, frames);
        }
        finally
        {
            _end.Exit();
        }
    }

    private void FreeAll(void* address, bool isMap, ReadOnlySpan<Pfn> frames)
    {
        if (isMap)
        {
            Unmap(address);
        }
        else
        {
            Free(address);
        }

        FreeFrames(frames);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void FreeLazy(uint record, VmapArea* area)
    {
        Invariant.Assert(area == _areas.Records + record && area->State == VmapAreaState.None, $"Range {record} of {area->Pages} pages is freed and is {area->State}.");
        if (_canMap)
        {
            AddLazy(record, area);
        }
        else
        {
            FreeContiguous(record, area);
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void FreeForeign(void* address)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (address != null)
        {
            MemoryFault.ThrowForeignPointer((nuint)address, "this VmapAllocator");
        }
    }

    /// <summary>Says why the start of a busy range of some kind is not at an address.</summary>
    /// <param name="address">The address.</param>
    /// <param name="record">The record that its page had.</param>
    /// <param name="seen">The word that the record had.</param>
    /// <param name="expected">What the caller takes back: Map, or anything else.</param>
    [DoesNotReturn]
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void ThrowNotFreeable(void* address, uint record, VmapAreaWord seen, VmapAreaKind expected)
    {
        VmapArea* area = _areas.Records + record;
        VmapAreaWord now = area->ReadWord();
        uint page = (uint)(((nuint)address - _window) >> Pfn.FrameShift);
        if (now.Generation != seen.Generation || (record != 0 && page - area->Start >= area->Range.Pages))
        {
            // Somebody else gave the range back meanwhile, and the record is another owner's, or nobody's.
            MemoryFault.ThrowDoubleFree((nuint)address);
        }

        if (record == 0 || area->Kind == (byte)VmapAreaKind.Block)
        {
            string where = record == 0 ? "no range is there (freed and unmapped, or never made)"
                : now.State == VmapAreaState.Block ? "it is in a block of MapRam; UnmapRam takes it back"
                : "it is in a block of MapRam of which everything was given back already";
            MemoryFault.Throw(
                MemoryFaultKind.ForeignPointer, (nuint)address, $"Foreign pointer: 0x{(nuint)address:x} lies in the window, but {where}.");
        }

        nuint start = _mapper.AddressOf(area->Start);
        if (start != (nuint)address)
        {
            MemoryFault.ThrowNotBlockStart((nuint)address, start, area->Bytes);
        }

        bool isMap = area->Kind == (byte)VmapAreaKind.Map;
        if (isMap != (expected == VmapAreaKind.Map))
        {
            MemoryFault.Throw(
                MemoryFaultKind.WrongHeap,
                (nuint)address,
                isMap
                    ? $"The range at 0x{start:x} was made by Map; Unmap takes it back, not Free."
                    : $"The range at 0x{start:x} was made by {(VmapAreaKind)area->Kind}; Free takes it back, not Unmap.");
        }

        if (now.IsHeld)
        {
            MemoryFault.Throw(
                MemoryFaultKind.DoubleFree,
                (nuint)address,
                $"The range at 0x{start:x} is in the middle of a Realloc, which gives the old address back itself; no other use of a range may overlap it.");
        }

        MemoryFault.ThrowDoubleFree((nuint)address);
    }
}
