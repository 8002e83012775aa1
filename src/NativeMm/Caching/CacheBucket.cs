using System.Runtime.InteropServices;

namespace NativeMm.Caching;

/// <summary>One cache line of the index: seven slots, for each of them whether its entry was used, and how many entries had to go on to the next bucket.</summary>
[StructLayout(LayoutKind.Explicit, Size = Bytes)]
internal unsafe struct CacheBucket
{
    /// <summary>Size of a bucket.</summary>
    public const int Bytes = 64;

    /// <summary>Slots of a bucket.</summary>
    public const int Slots = 7;

    /// <summary>From here on it is not counted any more: the bucket counts as passed for as long as the table lives.</summary>
    public const byte PassedMax = byte.MaxValue;

    // Writers: readers set the used bytes, whoever evicts clears them, the holder of the shard's lock counts what passes. Each a byte of its own.
    [FieldOffset(0)]
    public fixed byte Used[Slots];

    [FieldOffset(Slots)]
    public byte Passed;

    // Writer: the holder of the shard's lock.
    [FieldOffset(8)]
    public fixed ulong Words[Slots];
}
