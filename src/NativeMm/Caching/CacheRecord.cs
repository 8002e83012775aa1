using System.Runtime.CompilerServices;
using NativeMm.Diagnostics;
using NativeMm.Primitives;

namespace NativeMm.Caching;

/// <summary>
/// The head of a record, or of a free block between records: one word. Behind it lie, each if the head says so: the deadline; the sliding time and the absolute one;
/// the stored length of the value; its length before it was compressed. Then the key and the value.
/// </summary>
/// <param name="Word">
/// Bits 0 to 15 the length in units of 8 bytes (0 for a record with a segment of its own), 16 to 32 the bytes of the key, 38 free,
/// 39 the block before is free, 40 deadline, 41 sliding, 42 stored length, 43 compressed, 44 to 49 bytes at the end that are not used: at most those
/// of two units more than the shortest block has, 32, behind a head alone.
/// </param>
internal readonly unsafe record struct CacheRecord(ulong Word)
{
    /// <summary>Bytes of a unit.</summary>
    public const int UnitBytes = 8;

    /// <summary>Bytes of the head alone.</summary>
    public const int HeadBytes = 8;

    public const ulong Free = 1UL << 38;
    public const ulong PreviousFree = 1UL << 39;
    private const ulong Deadline = 1UL << 40;
    private const ulong Sliding = 1UL << 41;
    private const ulong Jumbo = 1UL << 42;
    private const ulong Compressed = 1UL << 43;
    private const int KeyShift = 16;
    private const int PadShift = 44;
    private const uint PadMask = 63;
    private const uint KeyMask = (1 << 17) - 1;

    public uint Units => (ushort)Word;

    public bool IsFree => (Word & Free) != 0;

    public bool IsPreviousFree => (Word & PreviousFree) != 0;

    public bool HasDeadline => (Word & Deadline) != 0;

    public bool IsSliding => (Word & Sliding) != 0;

    public bool IsJumbo => (Word & Jumbo) != 0;

    public bool IsCompressed => (Word & Compressed) != 0;

    public int KeyLength => (int)((uint)(Word >> KeyShift) & KeyMask);

    /// <summary>Where the key begins.</summary>
    public int KeyOffset
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get
        {
            uint flags = (uint)(Word >> 40) & 15;
            return HeadBytes + (flags == 0 ? 0 : FlagBytes(flags));
        }
    }

    private int Pad => (int)((uint)(Word >> PadShift) & PadMask);

    /// <summary>The head at an address.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static CacheRecord At(byte* record) => new(Atomic.LoadRelaxed(in *(ulong*)record));

    /// <summary>Whether the record at an address is of a key.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool HasKey(byte* record, ReadOnlySpan<byte> key)
    {
        CacheRecord head = At(record);
        return head.KeyLength == key.Length && key.SequenceEqual(new ReadOnlySpan<byte>(record + head.KeyOffset, key.Length));
    }

    /// <summary>The record's key.</summary>
    public static ReadOnlySpan<byte> KeyOf(byte* record)
    {
        CacheRecord head = At(record);
        return new ReadOnlySpan<byte>(record + head.KeyOffset, head.KeyLength);
    }

    /// <summary>The value as it is stored.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ReadOnlySpan<byte> ValueOf(byte* record)
    {
        CacheRecord head = At(record);
        int offset = head.KeyOffset + head.KeyLength;
        int length = head.IsJumbo ? (int)*StoredLength(record, head) : ((int)head.Units * UnitBytes) - head.Pad - offset;
        return new ReadOnlySpan<byte>(record + offset, length);
    }

    /// <summary>Bytes of the value as it was set.</summary>
    public static int LengthOf(byte* record)
    {
        CacheRecord head = At(record);
        return head.IsCompressed ? (int)*(long*)(record + head.KeyOffset - UnitBytes) : ValueOf(record).Length;
    }

    /// <summary>From which millisecond on the record is expired. Readers change it where it slides.</summary>
    public static ref long DeadlineOf(byte* record)
    {
        Invariant.Assert(At(record).HasDeadline, "A record is asked for its deadline that has none.");
        return ref *(long*)(record + HeadBytes);
    }

    /// <summary>Whether the record is expired.</summary>
    public static bool IsExpired(byte* record, long now) => At(record).HasDeadline && Atomic.LoadAcquire(in DeadlineOf(record)) <= now;

    /// <summary>When a record that slides expires if it is used now.</summary>
    public static long RenewedDeadline(byte* record, long now)
    {
        Invariant.Assert(At(record).IsSliding, "A record is renewed that does not slide.");
        long* times = (long*)(record + HeadBytes);
        return long.Min(times[2], now + times[1]);
    }

    /// <summary>Bytes that a record needs.</summary>
    public static long BytesOf(in CacheItem item, bool jumbo) =>
        HeadBytes + FlagBytes((uint)(FlagsOf(item, jumbo) >> 40)) + (long)item.Key.Length + item.Stored.Length;

    /// <summary>Writes a whole record.</summary>
    /// <param name="record">Where to.</param>
    /// <param name="item">What.</param>
    /// <param name="units">Length of its block, or 0 for a segment of its own.</param>
    public static void Write(byte* record, in CacheItem item, uint units)
    {
        bool jumbo = units == 0;
        ulong flags = FlagsOf(item, jumbo);
        long bytes = BytesOf(item, jumbo);
        Invariant.Assert(jumbo || bytes <= units * UnitBytes, $"A record of {bytes} bytes is written into {units} units.");
        Invariant.Assert(
            item.Key.Length <= NativeCacheOptions.KeyBytesMax && item.Stored.Length <= item.Length, $"A key of {item.Key.Length} bytes, or a value of {item.Length} that takes {item.Stored.Length}.");
        ulong pad = jumbo ? 0 : (units * UnitBytes) - (ulong)bytes;
        Invariant.Assert(pad <= PadMask, $"{pad} bytes of a record are not used, which its head cannot say.");
        var head = new CacheRecord(units | ((ulong)item.Key.Length << KeyShift) | (pad << PadShift) | flags);
        long* at = (long*)(record + HeadBytes);
        if (head.HasDeadline)
        {
            *at++ = item.Times.Deadline;
        }

        if (head.IsSliding)
        {
            *at++ = item.Times.Sliding;
            *at++ = item.Times.Absolute;
        }

        if (jumbo)
        {
            *at++ = item.Stored.Length;
        }

        if (head.IsCompressed)
        {
            *at++ = item.Length;
        }

        item.Key.CopyTo(new Span<byte>(at, item.Key.Length));
        item.Stored.CopyTo(new Span<byte>((byte*)at + item.Key.Length, item.Stored.Length));
        Atomic.StoreRelease(ref *(ulong*)record, head.Word);
    }

    /// <summary>Units that a record needs, which may be fewer than its block has.</summary>
    public static uint UnitsNeeded(byte* record)
    {
        CacheRecord head = At(record);
        return head.Units - ((uint)head.Pad / UnitBytes);
    }

    /// <summary>Copies a whole record to another block.</summary>
    /// <param name="record">The record.</param>
    /// <param name="destination">The block.</param>
    /// <param name="units">Its length, at least what is needed.</param>
    public static void Copy(byte* record, byte* destination, uint units)
    {
        CacheRecord head = At(record);
        uint needed = UnitsNeeded(record);
        Invariant.Assert(!head.IsFree && !head.IsJumbo && needed != 0 && needed <= units, $"A record that needs {needed} units is copied into {units}.");
        ulong pad = ((uint)head.Pad % UnitBytes) + ((units - needed) * UnitBytes);
        Invariant.Assert(pad <= PadMask, $"{pad} bytes of a record that moves are not used, which its head cannot say.");
        Unsafe.CopyBlockUnaligned(destination + HeadBytes, record + HeadBytes, (needed * UnitBytes) - HeadBytes);
        ulong word = head.Word & ~(ushort.MaxValue | ((ulong)PadMask << PadShift) | Free | PreviousFree);
        Atomic.StoreRelease(ref *(ulong*)destination, word | units | (pad << PadShift));
    }

    private static long* StoredLength(byte* record, CacheRecord head) => (long*)(record + head.KeyOffset - (head.IsCompressed ? 2 * UnitBytes : UnitBytes));

    private static ulong FlagsOf(in CacheItem item, bool jumbo) =>
        (item.Times.Deadline != CacheTimes.Never ? Deadline : 0)
        | (item.Times.Sliding != 0 ? Deadline | Sliding : 0)
        | (jumbo ? Jumbo : 0)
        | (item.IsCompressed ? Compressed : 0);

    private static int FlagBytes(uint flags) =>
        (int)(((flags & 1) + (flags & 2) + ((flags >> 2) & 1) + ((flags >> 3) & 1)) * UnitBytes);
}
