using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using NativeMm.Primitives;

namespace NativeMm.Caching;

/// <summary>Memory for records: many small ones, or one that is too large to share. A record's location is the number of its segment and the unit in it.</summary>
[StructLayout(LayoutKind.Explicit, Size = Bytes)]
internal unsafe struct CacheSegment
{
    /// <summary>Size of this.</summary>
    public const int Bytes = 32;

    /// <summary>Bits of a location that are the unit.</summary>
    public const int UnitBits = 15;

    /// <summary>Numbers that segments of one shard may have. 0 is nobody's.</summary>
    public const uint NumbersMax = 1u << (32 - UnitBits);

    private const uint UnitMask = (1u << UnitBits) - 1;

    /// <summary>Address of the memory; 0 when the number is free.</summary>
    [FieldOffset(0)]
    public nuint Base;

    /// <summary>Its bytes.</summary>
    [FieldOffset(8)]
    public long Length;

    /// <summary>Units in free blocks. Of a number that is free: the next free number.</summary>
    [FieldOffset(16)]
    public uint FreeUnits;

    /// <summary>What it is for.</summary>
    [FieldOffset(20)]
    public CacheSegmentKind Kind;

    /// <summary>The segment that a location lies in.</summary>
    public static uint NumberOf(uint location) => location >> UnitBits;

    /// <summary>The unit of a location in its segment.</summary>
    public static uint UnitOf(uint location) => location & UnitMask;

    /// <summary>A location.</summary>
    public static uint LocationOf(uint number, uint unit) => (number << UnitBits) | unit;

    /// <summary>The address of a location.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static byte* AddressOf(CacheSegment* segments, uint location) =>
        (byte*)Atomic.LoadAcquire(in segments[location >> UnitBits].Base) + ((location & UnitMask) * CacheRecord.UnitBytes);
}
