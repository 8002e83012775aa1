using System.Numerics;
using NativeMm.Diagnostics;

namespace NativeMm.Caching;

/// <content>Free blocks: head, next and previous of the list, and the length once more at the end, where the block behind looks for it.</content>
internal sealed unsafe partial class CacheSpace
{
    /// <summary>Shortest block: it has room for what a free one says.</summary>
    public const uint MinUnits = 3;

    /// <summary>Blocks of a list that are looked at before a longer one is cut.</summary>
    private const int LooksMax = 8;

    /// <summary>The list of a length: by its highest bit, and by the three below.</summary>
    private static int ListOf(uint units)
    {
        int log = BitOperations.Log2(units);
        return log < StepsShift ? (int)units : ((log - StepsShift + 1) << StepsShift) + (int)((units >> (log - StepsShift)) & ((1u << StepsShift) - 1));
    }

    private static void WriteFree(byte* block, uint units)
    {
        *(ulong*)block = units | CacheRecord.Free;
        *(uint*)(block + ((units - 1) * CacheRecord.UnitBytes)) = units;
    }

    private ref uint NextRef(uint location) => ref *(uint*)(AddressOf(location) + CacheRecord.HeadBytes);

    private ref uint PreviousRef(uint location) => ref *(uint*)(AddressOf(location) + CacheRecord.HeadBytes + sizeof(uint));

    private uint NextOf(uint location) => NextRef(location);

    /// <summary>The first list from one on that has a block, or −1.</summary>
    private int NextList(int list)
    {
        for (int word = list / 64; word < _bits.Length; word++)
        {
            ulong bits = _bits[word];
            if (word == list / 64)
            {
                bits &= ulong.MaxValue << (list % 64);
            }

            if (bits != 0)
            {
                return (word * 64) + BitOperations.TrailingZeroCount(bits);
            }
        }

        return -1;
    }

    private void InsertFree(uint location, uint units)
    {
        Invariant.Assert(
            units >= MinUnits && CacheSegment.UnitOf(location) + units <= SegmentUnits,
            $"A block of {units} units at unit {CacheSegment.UnitOf(location)} becomes free.");
        WriteFree(AddressOf(location), units);
        int list = ListOf(units);
        uint head = _heads[list];
        NextRef(location) = head;
        PreviousRef(location) = 0;
        if (head != 0)
        {
            PreviousRef(head) = location;
        }

        Invariant.Assert(head != location && ((_bits[list / 64] >> (list % 64)) & 1) != 0 == (head != 0), $"List {list} begins at {head:x}, and its bit says otherwise, or has the block already.");
        _heads[list] = location;
        _bits[list / 64] |= 1UL << (list % 64);
    }

    private uint RemoveFree(uint location)
    {
        uint units = CacheRecord.At(AddressOf(location)).Units;
        Invariant.Assert(CacheRecord.At(AddressOf(location)).IsFree && units >= MinUnits, $"The block at {location:x} leaves its list and is not free.");
        Invariant.Assert(
            PreviousRef(location) != 0 || _heads[ListOf(units)] == location,
            $"The block at {location:x} has none before it and is not the first of its list.");
        uint next = NextRef(location);
        uint previous = PreviousRef(location);
        Invariant.Assert(next == 0 || PreviousRef(next) == location, $"The block behind {location:x} in its list has another one before it.");
        Invariant.Assert(previous == 0 || NextRef(previous) == location, $"The block before {location:x} in its list has another one behind it.");
        if (next != 0)
        {
            PreviousRef(next) = previous;
        }

        if (previous != 0)
        {
            NextRef(previous) = next;
            return units;
        }

        int list = ListOf(units);
        _heads[list] = next;
        if (next == 0)
        {
            _bits[list / 64] &= ~(1UL << (list % 64));
        }

        return units;
    }

    /// <summary>Takes a free block, and leaves behind it what is long enough to be a block.</summary>
    private void Split(uint location, ref uint units)
    {
        uint whole = RemoveFree(location);
        Invariant.Assert(whole >= units, $"A block of {whole} units is taken for {units}.");
        uint number = CacheSegment.NumberOf(location);
        EmptyCount -= whole == SegmentUnits ? 1 : 0;
        if (whole - units < MinUnits)
        {
            units = whole;
            *(ulong*)AddressOf(location + whole) &= ~CacheRecord.PreviousFree;
        }
        else
        {
            InsertFree(location + units, whole - units);
        }

        *(ulong*)AddressOf(location) = units;
        FreeUnits -= units;
        _segments[number].FreeUnits -= units;
        Invariant.Assert(
            FreeUnits >= 0 && EmptyCount >= 0 && _segments[number].FreeUnits <= SegmentUnits,
            $"Segment {number} has {_segments[number].FreeUnits} free units, of {FreeUnits}.");
    }

    /// <summary>Makes a block free together with the free ones beside it.</summary>
    private void Join(uint location, uint units)
    {
        CacheRecord behind = CacheRecord.At(AddressOf(location + units));
        if (behind.IsFree)
        {
            units += RemoveFree(location + units);
        }

        if (CacheRecord.At(AddressOf(location)).IsPreviousFree)
        {
            uint before = *(uint*)(AddressOf(location) - CacheRecord.UnitBytes);
            Invariant.Assert(before >= MinUnits && before <= CacheSegment.UnitOf(location), $"The block before {location:x} has {before} units.");
            location -= before;
            units += RemoveFree(location);
        }

        InsertFree(location, units);
        *(ulong*)AddressOf(location + units) |= CacheRecord.PreviousFree;
        EmptyCount += units == SegmentUnits ? 1 : 0;
    }

    /// <summary>Makes one free block of a segment that nobody uses.</summary>
    private void MakeWhole(uint number)
    {
        _segments[number].FreeUnits = SegmentUnits;
        uint first = CacheSegment.LocationOf(number, 0);
        InsertFree(first, SegmentUnits);
        *(ulong*)AddressOf(first + SegmentUnits) = CacheRecord.PreviousFree;
        EmptyCount++;
    }

    /// <summary>Checks what the counts say of each other, when no segment is being emptied.</summary>
    /// <exception cref="InvariantViolationException">Something does not add up.</exception>
    public void CheckCounts()
    {
        Invariant.Check(EmptyCount >= 0 && EmptyCount <= PackedCount, $"A shard counts {PackedCount} segments, {EmptyCount} of them empty.");
        Invariant.Check(
            FreeUnits >= EmptyCount * (long)SegmentUnits && FreeUnits <= PackedCount * (long)SegmentUnits,
            $"A shard counts {FreeUnits} free units in {PackedCount} segments, {EmptyCount} of them empty.");
        Invariant.Check(_numbersEnd <= _numbersMax && NumberBytes >= 0, $"{_numbersEnd} segments are numbered, of {_numbersMax}.");
    }

    /// <summary>Checks the blocks of all segments, and the counts.</summary>
    /// <param name="isKnown">Whether a location is an entry's, or waits for its readers.</param>
    /// <exception cref="InvariantViolationException">Something does not add up.</exception>
    public void Validate(Func<uint, bool> isKnown)
    {
        long free = 0;
        int packed = 0;
        int empty = 0;
        for (uint number = 1; number < _numbersEnd; number++)
        {
            CacheSegment* segment = _segments + number;
            if (segment->Kind is CacheSegmentKind.Run or CacheSegmentKind.Block)
            {
                Invariant.Check(isKnown(CacheSegment.LocationOf(number, 0)), $"The large record of segment {number} is nobody's.");
            }
            else if (segment->Kind == CacheSegmentKind.Packed)
            {
                uint here = ValidateSegment(number, isKnown);
                Invariant.Check(here == segment->FreeUnits, $"Segment {number} has {here} free units and counts {segment->FreeUnits}.");
                free += here;
                packed++;
                empty += here == SegmentUnits ? 1 : 0;
            }
            else
            {
                Invariant.Check(segment->Kind == CacheSegmentKind.None, $"Segment {number} is being emptied by nobody.");
            }
        }

        Invariant.Check(free == FreeUnits, $"A shard has {free} free units and counts {FreeUnits}.");
        Invariant.Check(packed == PackedCount && empty == EmptyCount, $"A shard has {packed} segments, {empty} empty, and counts {PackedCount}, {EmptyCount}.");
    }

    private uint ValidateSegment(uint number, Func<uint, bool> isKnown)
    {
        uint free = 0;
        bool previousFree = false;
        uint unit = 0;
        while (unit < SegmentUnits)
        {
            uint location = CacheSegment.LocationOf(number, unit);
            CacheRecord head = CacheRecord.At(AddressOf(location));
            Invariant.Check(head.Units >= MinUnits && unit + head.Units <= SegmentUnits, $"A block of segment {number} has {head.Units} units.");
            Invariant.Check(head.IsPreviousFree == previousFree, $"The block at {location} is wrong about the one before it.");
            Invariant.Check(!(head.IsFree && previousFree), $"Two free blocks touch at {location}.");
            Invariant.Check(head.IsFree || isKnown(location), $"The record at {location} is nobody's.");
            free += head.IsFree ? head.Units : 0;
            previousFree = head.IsFree;
            unit += head.Units;
        }

        return free;
    }
}
