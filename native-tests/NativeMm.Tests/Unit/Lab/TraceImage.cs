using System.Buffers.Binary;
using System.IO.Compression;
using NativeMm.Lab.Traces;

namespace NativeMm.Tests.Unit.Lab;

/// <summary>Builds trace files byte by byte, good ones and bad ones.</summary>
internal sealed class TraceImage
{
    private readonly List<byte[]> _records = [];

    public uint? Records { get; init; }

    public uint Objects { get; init; } = 4;

    public uint Threads { get; init; } = 2;

    public string Magic { get; init; } = "NMTRACE1";

    public TraceImage Add(int operation, uint item, ulong size = 16, int thread = 0, int alignmentLog2 = 0)
    {
        byte[] record = new byte[TraceRecord.Bytes];
        record[0] = (byte)operation;
        record[1] = (byte)thread;
        BinaryPrimitives.WriteUInt16LittleEndian(record.AsSpan(2), (ushort)alignmentLog2);
        BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(4), item);
        BinaryPrimitives.WriteUInt64LittleEndian(record.AsSpan(8), size);
        _records.Add(record);
        return this;
    }

    public byte[] ToBytes()
    {
        byte[] header = new byte[32];
        System.Text.Encoding.ASCII.GetBytes(Magic).CopyTo(header, 0);
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(8), Records ?? (uint)_records.Count);
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(12), Objects);
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(16), Threads);
        return [.. header, .. _records.SelectMany(r => r)];
    }

    public Trace Read() => Read(ToBytes());

    public static Trace Read(byte[] bytes) => TraceReader.Read(new MemoryStream(bytes), "some trace");

    public static byte[] Compress(byte[] bytes)
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Fastest))
        {
            gzip.Write(bytes);
        }

        return packed.ToArray();
    }
}
