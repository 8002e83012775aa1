using NativeMm.Diagnostics;
using NativeMm.Frames;
using NativeMm.Heap;
using NativeMm.Primitives;

namespace NativeMm.Caching;

/// <content>Records with a segment of their own: a run of frames up to 2 MiB, a block of the heap above.</content>
internal sealed unsafe partial class CacheSpace
{
    private const long RunBytesMax = 2 << 20;

    /// <summary>What a large record counts against the limit: whole pages.</summary>
    public static long ChargeOf(long bytes) => (bytes + Pfn.FrameBytes - 1) & ~((long)Pfn.FrameBytes - 1);

    /// <summary>Takes memory for a large record that is charged. Needs no lock; asks everybody for memory.</summary>
    /// <returns>Its address, or 0.</returns>
    public nuint AllocLarge(long charge)
    {
        Invariant.Assert(charge > 0 && charge == ChargeOf(charge) && charge <= _budget.Used, $"A record of {charge} bytes gets memory that is not charged.");
        if (charge <= RunBytesMax)
        {
            return _frames.TryAllocateExact((uint)(charge / Pfn.FrameBytes), FrameFlags.Populate, out Pfn first, out _)
                ? (nuint)_frames.Zone.AddressOf(first)
                : 0;
        }

        return _heap.TryAlloc((nuint)charge, out void* block) ? (nuint)block : 0;
    }

    /// <summary>Gives memory back that became no segment.</summary>
    public void FreeLarge(nuint address, long charge)
    {
        if (charge <= RunBytesMax)
        {
            _frames.FreeExact(_frames.Zone.FrameOf((void*)address), (uint)(charge / Pfn.FrameBytes));
        }
        else
        {
            _heap.FreeHere((void*)address);
        }

        _budget.Release(charge);
    }

    /// <summary>Makes a segment of the memory of a large record.</summary>
    /// <returns>Its location, or 0 when there is no number for it.</returns>
    public uint AdoptLarge(nuint address, long charge)
    {
        uint number = TryTakeNumber();
        if (number == 0)
        {
            return 0;
        }

        CacheSegment* segment = _segments + number;
        Invariant.Assert(segment->Kind == CacheSegmentKind.None && charge == ChargeOf(charge), $"A record of {charge} bytes gets segment {number}, which is {segment->Kind}.");
        segment->Length = charge;
        segment->Kind = charge <= RunBytesMax ? CacheSegmentKind.Run : CacheSegmentKind.Block;
        segment->FreeUnits = 0;
        _frameBytes += segment->Kind == CacheSegmentKind.Run ? charge : 0;
        Atomic.StoreRelease(ref segment->Base, address);
        return CacheSegment.LocationOf(number, 0);
    }

    private void FreeLarge(uint number)
    {
        CacheSegment* segment = _segments + number;
        Invariant.Assert(segment->Kind is CacheSegmentKind.Run or CacheSegmentKind.Block && segment->FreeUnits == 0, $"Segment {number} is freed as one record, and is {segment->Kind}.");
        nuint address = segment->Base;
        long charge = segment->Length;
        _frameBytes -= segment->Kind == CacheSegmentKind.Run ? charge : 0;
        ReturnNumber(number);
        FreeLarge(address, charge);
    }
}
