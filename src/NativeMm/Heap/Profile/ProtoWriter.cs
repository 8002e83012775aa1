using System.Buffers;

namespace NativeMm.Heap.Profile;

/// <summary>The few forms of protocol buffers that a profile needs.</summary>
internal sealed class ProtoWriter
{
    private const int Varint = 0;
    private const int LengthDelimited = 2;

    private readonly ArrayBufferWriter<byte> _bytes = new();

    /// <summary>A number.</summary>
    public void Number(int field, ulong value)
    {
        Write(((ulong)field << 3) | Varint);
        Write(value);
    }

    /// <summary>A text or anything else that is bytes.</summary>
    public void Bytes(int field, ReadOnlySpan<byte> value)
    {
        Write(((ulong)field << 3) | LengthDelimited);
        Write((ulong)value.Length);
        _bytes.Write(value);
    }

    /// <summary>Many numbers.</summary>
    public void Packed(int field, IEnumerable<ulong> values)
    {
        var packed = new ProtoWriter();
        foreach (ulong value in values)
        {
            packed.Write(value);
        }

        Message(field, packed);
    }

    /// <summary>A message inside of this one.</summary>
    public void Message(int field, ProtoWriter message) => Bytes(field, message._bytes.WrittenSpan);

    /// <summary>What was written.</summary>
    public byte[] ToArray() => _bytes.WrittenSpan.ToArray();

    private void Write(ulong value)
    {
        for (; value >= 0x80; value >>= 7)
        {
            _bytes.GetSpan(1)[0] = (byte)(value | 0x80);
            _bytes.Advance(1);
        }

        _bytes.GetSpan(1)[0] = (byte)value;
        _bytes.Advance(1);
    }
}
