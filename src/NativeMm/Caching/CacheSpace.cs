using NativeMm.Diagnostics;
using NativeMm.Frames;
using NativeMm.Heap;
using NativeMm.Platform;
using NativeMm.Primitives;

namespace NativeMm.Caching;

/// <summary>
/// The memory of a shard: segments of one size in which blocks of any length lie side by side, and segments of their own for large records. Guarded by the shard's
/// lock, but for the addresses of segments, which readers read.
/// </summary>
/// <remarks>
/// Free blocks are in lists by length, two levels of them with a bitmap, and meet their neighbours when they become free. Source: TLSF (Masmano and others, ECRTS'04).
/// </remarks>
internal sealed unsafe partial class CacheSpace
{
    private const int StepsShift = 3;
    private const int Lists = 14 << StepsShift;

    private readonly IFrameAllocator _frames;
    private readonly NativeHeap _heap;
    private readonly CacheBudget _budget;
    private readonly CacheSegment* _segments;
    private readonly nuint _segmentsBytes;
    private readonly uint[] _heads = new uint[Lists];
    private readonly ulong[] _bits = new ulong[(Lists + 63) / 64];
    private readonly int _segmentBytes;
    private readonly uint _numbersMax;
    private uint _numbersEnd = 1;
    private uint _freeNumber;
    private long _numbersCharged;
    private long _frameBytes;

    /// <summary>Reserves what a shard needs to know its segments.</summary>
    /// <exception cref="OutOfMemoryException">The system refuses it.</exception>
    public CacheSpace(IFrameAllocator frames, NativeHeap heap, CacheBudget budget, int segmentBytes)
    {
        _frames = frames;
        _heap = heap;
        _budget = budget;
        _segmentBytes = segmentBytes;

        // 0 is nobody's, and each other one is charged a page at least.
        _numbersMax = (uint)long.Min(CacheSegment.NumbersMax, (budget.Limit / Pfn.FrameBytes) + 1);
        _segmentsBytes = (nuint)_numbersMax * CacheSegment.Bytes;
        PlatformResult result = frames.Zone.Platform.Reserve(_segmentsBytes, frames.Zone.Platform.PageBytes, out nuint segments);
        if (!result.Succeeded)
        {
            throw OutOfAddresses(result);
        }

        _segments = (CacheSegment*)segments;
    }

    /// <summary>The segments, for readers.</summary>
    public CacheSegment* Segments => _segments;

    /// <summary>Units of a segment that blocks can have.</summary>
    public uint SegmentUnits => ((uint)_segmentBytes / CacheRecord.UnitBytes) - 1;

    /// <summary>Bytes in frames. Anybody may ask.</summary>
    public ulong FrameBytes => (ulong)Atomic.LoadAcquire(in _frameBytes);

    /// <summary>What the descriptors of segments count against the limit. Anybody may ask.</summary>
    public long NumberBytes => Atomic.LoadAcquire(in _numbersCharged);

    /// <summary>Units in free blocks, over all segments.</summary>
    public long FreeUnits { get; private set; }

    /// <summary>Packed segments.</summary>
    public int PackedCount { get; private set; }

    /// <summary>Packed segments that hold nothing.</summary>
    public int EmptyCount { get; private set; }

    /// <summary>The address of a location.</summary>
    public byte* AddressOf(uint location) => CacheSegment.AddressOf(_segments, location);

    /// <summary>Bytes of a block that is in use, or of the segment of a large record.</summary>
    public long BytesOf(uint location)
    {
        CacheSegment* segment = _segments + CacheSegment.NumberOf(location);
        return segment->Kind is CacheSegmentKind.Run or CacheSegmentKind.Block ? segment->Length : CacheRecord.At(AddressOf(location)).Units * (long)CacheRecord.UnitBytes;
    }

    /// <summary>Takes a block.</summary>
    /// <param name="units">Wanted, at least 1.</param>
    /// <param name="location">Where it lies.</param>
    /// <param name="granted">Its length: as wanted, or up to two more.</param>
    public bool TryAlloc(uint units, out uint location, out uint granted)
    {
        Invariant.Assert(units != 0 && units <= SegmentUnits, $"A block of {units} units is asked for.");
        granted = uint.Max(units, MinUnits);
        int list = ListOf(granted);
        location = _heads[list];
        for (int look = 0; location != 0 && CacheRecord.At(AddressOf(location)).Units < granted; look++)
        {
            location = look < LooksMax ? NextOf(location) : 0;
        }

        if (location == 0)
        {
            list = NextList(list + 1);
            if (list < 0)
            {
                return false;
            }

            location = _heads[list];
        }

        Split(location, ref granted);
        Invariant.Assert(granted >= units && granted < uint.Max(units, MinUnits) + MinUnits, $"A block of {granted} units is granted for {units}.");
        return true;
    }

    /// <summary>Gives a block, or the segment of a large record, back. No reader can hold it.</summary>
    public void Free(uint location)
    {
        uint number = CacheSegment.NumberOf(location);
        CacheSegment* segment = _segments + number;
        Invariant.Assert(number != 0 && number < _numbersEnd && segment->Base != 0, $"The record at {location:x} is freed, where no segment is.");
        if (segment->Kind is CacheSegmentKind.Run or CacheSegmentKind.Block)
        {
            FreeLarge(number);
            return;
        }

        uint units = CacheRecord.At(AddressOf(location)).Units;
        Invariant.Assert(
            segment->Kind is CacheSegmentKind.Packed or CacheSegmentKind.Emptying && !CacheRecord.At(AddressOf(location)).IsFree,
            $"The record at {location:x} is freed in a segment that is {segment->Kind}, or is free.");
        segment->FreeUnits += units;
        Invariant.Assert(segment->FreeUnits <= SegmentUnits, $"Segment {number} has {segment->FreeUnits} free units of {SegmentUnits}.");
        if (segment->Kind == CacheSegmentKind.Emptying)
        {
            *(ulong*)AddressOf(location) = units | CacheRecord.Free;
            return;
        }

        FreeUnits += units;
        Join(location, units);
    }

    /// <summary>Adds an empty segment, if the limit and the frames allow it. Asks nobody for memory.</summary>
    public bool TryAddSegment()
    {
        if (!_budget.TryCharge(_segmentBytes))
        {
            return false;
        }

        if (TryTakeFrames(FrameFlags.NoReclaim, out Pfn first) && TryAdopt(first))
        {
            return true;
        }

        _budget.Release(_segmentBytes);
        return false;
    }

    /// <summary>Takes the frames of a segment, which will be written to from its begin on.</summary>
    public bool TryTakeFrames(FrameFlags flags, out Pfn first) =>
        _frames.TryAllocateExact((uint)(_segmentBytes / Pfn.FrameBytes), flags | FrameFlags.Populate, out first, out _);

    /// <summary>Makes an empty segment of frames that are charged.</summary>
    /// <returns>False when there is no number for it; the frames are free then, and still charged.</returns>
    public bool TryAdopt(Pfn first)
    {
        uint number = TryTakeNumber();
        if (number == 0)
        {
            _frames.FreeExact(first, (uint)(_segmentBytes / Pfn.FrameBytes));
            return false;
        }

        CacheSegment* segment = _segments + number;
        Invariant.Assert(segment->Kind == CacheSegmentKind.None && segment->Base == 0, $"Segment {number} is taken, and is {segment->Kind} already.");
        segment->Length = _segmentBytes;
        segment->Kind = CacheSegmentKind.Packed;
        Atomic.StoreRelease(ref segment->Base, (nuint)_frames.Zone.AddressOf(first));
        PackedCount++;
        _frameBytes += _segmentBytes;
        FreeUnits += SegmentUnits;
        MakeWhole(number);
        return true;
    }

    /// <summary>Gives segments that hold nothing back to the frames.</summary>
    /// <param name="keep">How many to keep.</param>
    /// <returns>Bytes given back.</returns>
    public long ReleaseEmpty(int keep)
    {
        long bytes = 0;
        for (uint number = 1; number < _numbersEnd && EmptyCount > keep; number++)
        {
            CacheSegment* segment = _segments + number;
            if (segment->Kind == CacheSegmentKind.Packed && segment->FreeUnits == SegmentUnits)
            {
                RemoveFree(CacheSegment.LocationOf(number, 0));
                EmptyCount--;
                PackedCount--;
                FreeUnits -= SegmentUnits;
                Invariant.Assert(EmptyCount >= 0 && PackedCount >= EmptyCount && FreeUnits >= 0, $"{EmptyCount} of {PackedCount} segments are empty, with {FreeUnits} free units.");
                _frames.FreeExact(FrameOf(segment), (uint)(_segmentBytes / Pfn.FrameBytes));
                _budget.Release(_segmentBytes);
                bytes += _segmentBytes;
                _frameBytes -= _segmentBytes;
                ReturnNumber(number);
            }
        }

        Invariant.Assert(EmptyCount <= keep, $"{EmptyCount} segments count as empty, and no more of them were found than to leave {keep}.");
        return bytes;
    }

    /// <summary>Gives everything back, whatever is in it. Nobody reads any more.</summary>
    public void End()
    {
        for (uint number = 1; number < _numbersEnd; number++)
        {
            CacheSegment* segment = _segments + number;
            if (segment->Kind is CacheSegmentKind.Packed or CacheSegmentKind.Emptying)
            {
                _frames.FreeExact(FrameOf(segment), (uint)(_segmentBytes / Pfn.FrameBytes));
            }
            else if (segment->Kind != CacheSegmentKind.None)
            {
                FreeLarge(number);
            }
        }

        _frames.Zone.Platform.ReleaseOrKeep((nuint)_segments, _segmentsBytes);
    }

    [System.Diagnostics.CodeAnalysis.SuppressMessage("Usage", "CA2201:Do not raise reserved exception types", Justification = "There is no memory.")]
    private static OutOfMemoryException OutOfAddresses(PlatformResult result) =>
        new($"The system refuses the addresses for the segments of a cache: {result}.{ResourceLimits.ExplainAddresses()}");

    private Pfn FrameOf(CacheSegment* segment) => _frames.Zone.FrameOf((void*)segment->Base);

    /// <summary>A number for a segment; 0 when there is none, or the limit does not allow for its descriptor.</summary>
    private uint TryTakeNumber()
    {
        uint number = _freeNumber;
        if (number != 0)
        {
            Invariant.Assert(number < _numbersEnd && _segments[number].Kind == CacheSegmentKind.None, $"Number {number} is free, and is a segment that is {_segments[number].Kind}.");
            _freeNumber = _segments[number].FreeUnits;
            return number;
        }

        if (_numbersEnd == _numbersMax)
        {
            return 0;
        }

        long page = (long)_frames.Zone.Platform.PageBytes;
        if ((_numbersEnd + 1) * (long)CacheSegment.Bytes > _numbersCharged)
        {
            if (!_budget.TryCharge(page))
            {
                return 0;
            }

            _numbersCharged += page;
        }

        return _numbersEnd++;
    }

    private void ReturnNumber(uint number)
    {
        CacheSegment* segment = _segments + number;
        Invariant.Assert(number != 0 && number < _numbersEnd && segment->Kind != CacheSegmentKind.None, $"Number {number} of a segment is returned, and is nobody's.");
        segment->Kind = CacheSegmentKind.None;
        segment->Length = 0;
        Atomic.StoreRelease(ref segment->Base, 0);
        segment->FreeUnits = _freeNumber;
        _freeNumber = number;
    }
}
