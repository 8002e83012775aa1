using System.Buffers;
using System.Buffers.Binary;
using NativeMm.Caching;

namespace NativeMm.Extensions;

/// <summary>What lies before the value of an entry in this process where there is a second tier: 40 bytes.</summary>
/// <param name="Version">Which of two writes is the later one.</param>
/// <param name="Lifetime">When the entry ends, for a write to the tier.</param>
/// <param name="FreshUntil">Until when it answers without a question to the tier, in milliseconds since 1970.</param>
/// <param name="IsPending">Whether the tier has not got this write.</param>
/// <param name="IsRemoved">Whether it stands for a removal that the tier has not done yet; then there is no value.</param>
internal readonly record struct LocalHead(long Version, EntryLifetime Lifetime, long FreshUntil, bool IsPending, bool IsRemoved)
{
    /// <summary>Bytes of it.</summary>
    public const int Bytes = 40;

    private const byte Pending = 1;
    private const byte Removed = 2;

    /// <summary>The removal that stands for it where its value is not kept.</summary>
    public LocalHead ToRemoval() => this with { Lifetime = default, IsRemoved = true };

    /// <summary>Writes it.</summary>
    public byte[] ToArray()
    {
        byte[] head = new byte[Bytes];
        head[0] = (byte)((IsPending ? Pending : 0) | (IsRemoved ? Removed : 0));
        BinaryPrimitives.WriteInt64LittleEndian(head.AsSpan(8), Version);
        BinaryPrimitives.WriteInt64LittleEndian(head.AsSpan(16), FreshUntil);
        BinaryPrimitives.WriteInt64LittleEndian(head.AsSpan(24), Lifetime.EndsAt);
        BinaryPrimitives.WriteInt64LittleEndian(head.AsSpan(32), Lifetime.Sliding);
        return head;
    }

    /// <summary>Reads the head of an entry.</summary>
    public static LocalHead Of(scoped in CacheLease entry)
    {
        ReadOnlySpan<byte> head = entry.Span[..Bytes];
        return new LocalHead(
            BinaryPrimitives.ReadInt64LittleEndian(head[8..]),
            new EntryLifetime(BinaryPrimitives.ReadInt64LittleEndian(head[24..]), BinaryPrimitives.ReadInt64LittleEndian(head[32..])),
            BinaryPrimitives.ReadInt64LittleEndian(head[16..]),
            (head[0] & Pending) != 0,
            (head[0] & Removed) != 0);
    }
}
