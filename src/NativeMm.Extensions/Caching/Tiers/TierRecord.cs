using System.Buffers;
using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;

namespace NativeMm.Extensions;

/// <summary>
/// An entry as it lies in the second tier: a head of 40 bytes, little-endian, and the value.
/// <code>
///  0  4  "NmC1"
///  4  4  length of the value
///  8  8  version: which of two writes is the later one
/// 16  8  absolute expiration, milliseconds since 1970; 0 for none
/// 24  8  sliding expiration, milliseconds; 0 for none
/// 32  4  writer: a random number of the cache that wrote it, so that it knows its own writes; 0 for none
/// 36  4  CRC-32C of the key, of the head up to here, and of the value
/// </code>
/// What was cut, damaged, written by somebody else or moved to another key does not pass.
/// </summary>
/// <param name="Version">Which of two writes is the later one.</param>
/// <param name="Lifetime">When it ends.</param>
/// <param name="Writer">Which cache wrote it.</param>
/// <param name="Value">The value.</param>
internal readonly record struct TierRecord(long Version, EntryLifetime Lifetime, uint Writer, ReadOnlyMemory<byte> Value)
{
    /// <summary>Bytes before the value.</summary>
    public const int HeadBytes = 40;

    private const uint Magic = 0x31436D4E;
    private const int ChecksumAt = 36;

    /// <summary>Room for the head, and the value behind it.</summary>
    /// <param name="value">The value.</param>
    public static byte[] Begin(in ReadOnlySequence<byte> value)
    {
        byte[] record = GC.AllocateUninitializedArray<byte>(checked(HeadBytes + (int)value.Length));
        value.CopyTo(record.AsSpan(HeadBytes));
        return record;
    }

    /// <summary>Writes the head before the value.</summary>
    /// <param name="key">The key.</param>
    /// <param name="record">Of <see cref="Begin"/>.</param>
    /// <param name="version">Which of two writes is the later one.</param>
    /// <param name="lifetime">When it ends.</param>
    /// <param name="writer">Which cache writes it.</param>
    public static void Seal(ReadOnlySpan<byte> key, byte[] record, long version, EntryLifetime lifetime, uint writer)
    {
        Span<byte> head = record.AsSpan(0, HeadBytes);
        BinaryPrimitives.WriteUInt32LittleEndian(head, Magic);
        BinaryPrimitives.WriteInt32LittleEndian(head[4..], record.Length - HeadBytes);
        BinaryPrimitives.WriteInt64LittleEndian(head[8..], version);
        BinaryPrimitives.WriteInt64LittleEndian(head[16..], lifetime.EndsAt);
        BinaryPrimitives.WriteInt64LittleEndian(head[24..], lifetime.Sliding);
        BinaryPrimitives.WriteUInt32LittleEndian(head[32..], writer);
        BinaryPrimitives.WriteUInt32LittleEndian(head[ChecksumAt..], Checksum(key, record));
    }

    /// <summary>Reads what a tier gave.</summary>
    /// <param name="key">The key that it was asked for.</param>
    /// <param name="record">What it gave.</param>
    /// <param name="entry">The entry; its value is a part of <paramref name="record"/>.</param>
    /// <returns>False when it is not what <see cref="Seal"/> wrote for this key.</returns>
    public static bool TryRead(ReadOnlySpan<byte> key, ReadOnlyMemory<byte> record, out TierRecord entry)
    {
        entry = default;
        ReadOnlySpan<byte> bytes = record.Span;
        if (bytes.Length < HeadBytes
            || BinaryPrimitives.ReadUInt32LittleEndian(bytes) != Magic
            || BinaryPrimitives.ReadInt32LittleEndian(bytes[4..]) != bytes.Length - HeadBytes
            || BinaryPrimitives.ReadUInt32LittleEndian(bytes[ChecksumAt..]) != Checksum(key, bytes))
        {
            return false;
        }

        entry = new TierRecord(
            BinaryPrimitives.ReadInt64LittleEndian(bytes[8..]),
            new EntryLifetime(BinaryPrimitives.ReadInt64LittleEndian(bytes[16..]), BinaryPrimitives.ReadInt64LittleEndian(bytes[24..])),
            BinaryPrimitives.ReadUInt32LittleEndian(bytes[32..]),
            record[HeadBytes..]);
        return true;
    }

    private static uint Checksum(ReadOnlySpan<byte> key, ReadOnlySpan<byte> record)
    {
        uint checksum = BitOperations.Crc32C(uint.MaxValue, (uint)key.Length);
        checksum = Add(Add(Add(checksum, key), record[..ChecksumAt]), record[HeadBytes..]);
        return ~checksum;
    }

    private static uint Add(uint checksum, ReadOnlySpan<byte> bytes)
    {
        foreach (ulong word in MemoryMarshal.Cast<byte, ulong>(bytes))
        {
            checksum = BitOperations.Crc32C(checksum, word);
        }

        foreach (byte one in bytes[(bytes.Length & ~7)..])
        {
            checksum = BitOperations.Crc32C(checksum, one);
        }

        return checksum;
    }
}
