using NativeMm.AddressSpaces;
using NativeMm.Diagnostics;

namespace NativeMm.Caching;

/// <content>Emptying a segment: its records go elsewhere, so that what is scattered becomes one piece.</content>
internal sealed unsafe partial class CacheSpace
{
    /// <summary>The packed segment with most free units that is not empty; 0 when none has any.</summary>
    /// <param name="readers">Who looks things up.</param>
    /// <param name="leases">Who holds records: their segments cannot be emptied.</param>
    public uint Sparsest(in CacheReaders readers, in Hazards leases)
    {
        uint best = 0;
        uint most = 0;
        for (uint number = 1; number < _numbersEnd; number++)
        {
            CacheSegment* segment = _segments + number;
            if (segment->Kind == CacheSegmentKind.Packed && segment->FreeUnits > most && segment->FreeUnits < SegmentUnits
                && !readers.IsLeased(leases, segment->Base, segment->Length))
            {
                most = segment->FreeUnits;
                best = number;
            }
        }

        return best;
    }

    /// <summary>Takes the free blocks of a segment out of the lists, so that nothing comes in any more.</summary>
    public void BeginEmptying(uint number)
    {
        for (uint location = CacheSegment.LocationOf(number, 0); NextBlock(number, ref location, out uint block, out CacheRecord head);)
        {
            if (head.IsFree)
            {
                RemoveFree(block);
            }
        }

        Invariant.Assert(_segments[number].Kind == CacheSegmentKind.Packed, $"Segment {number} is to be emptied, and is {_segments[number].Kind}.");
        FreeUnits -= _segments[number].FreeUnits;
        Invariant.Assert(FreeUnits >= 0, $"{FreeUnits} units are free without those of segment {number}.");
        _segments[number].Kind = CacheSegmentKind.Emptying;
    }

    /// <summary>Walks the blocks of a segment.</summary>
    /// <param name="number">The segment.</param>
    /// <param name="cursor">Its first location to begin with.</param>
    /// <param name="block">The block.</param>
    /// <param name="head">Its head.</param>
    public bool NextBlock(uint number, ref uint cursor, out uint block, out CacheRecord head)
    {
        block = cursor;
        if (CacheSegment.NumberOf(cursor) != number || CacheSegment.UnitOf(cursor) >= SegmentUnits)
        {
            head = default;
            return false;
        }

        head = CacheRecord.At(AddressOf(cursor));
        Invariant.Assert(head.Units >= MinUnits && CacheSegment.UnitOf(cursor) + head.Units <= SegmentUnits, $"The block at {cursor:x} has {head.Units} units.");
        cursor += head.Units;
        return true;
    }

    /// <summary>Makes the segment one like the others again: all of it free, or, when somebody still holds a record of it, what is.</summary>
    public void EndEmptying(uint number)
    {
        CacheSegment* segment = _segments + number;
        Invariant.Assert(segment->Kind == CacheSegmentKind.Emptying, $"Segment {number} was emptied, and is {segment->Kind}.");
        segment->Kind = CacheSegmentKind.Packed;
        FreeUnits += segment->FreeUnits;

        // Blocks became free one by one, without meeting their neighbours.
        uint run = 0;
        uint runUnits = 0;
        bool previousFree = false;
        uint cursor = CacheSegment.LocationOf(number, 0);
        while (NextBlock(number, ref cursor, out uint block, out CacheRecord head))
        {
            if (head.IsFree)
            {
                run = runUnits == 0 ? block : run;
                runUnits += head.Units;
                continue;
            }

            previousFree = Close(run, ref runUnits);
            ulong word = head.Word & ~CacheRecord.PreviousFree;
            *(ulong*)AddressOf(block) = previousFree ? word | CacheRecord.PreviousFree : word;
        }

        previousFree = Close(run, ref runUnits);
        *(ulong*)AddressOf(CacheSegment.LocationOf(number, SegmentUnits)) = previousFree ? CacheRecord.PreviousFree : 0;
        EmptyCount += segment->FreeUnits == SegmentUnits ? 1 : 0;
    }

    private bool Close(uint run, ref uint units)
    {
        if (units == 0)
        {
            return false;
        }

        InsertFree(run, units);
        units = 0;
        return true;
    }
}
