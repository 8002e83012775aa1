using System.Buffers.Binary;
using System.IO.Compression;
using System.Runtime.InteropServices;

namespace NativeMm.Lab.Traces;

/// <summary>
/// Reads trace files, compressed or not. The file may be anything: whatever cannot be replayed safely ends in an
/// <see cref="InvalidDataException"/> whose message is one line and names the file.
/// </summary>
internal static class TraceReader
{
    private const int HeaderBytes = 32;
    private const int ChunkRecords = 1 << 16;

    private static ReadOnlySpan<byte> Magic => "NMTRACE1"u8;

    /// <summary>Reads a file.</summary>
    /// <param name="path">Where it lies.</param>
    /// <exception cref="InvalidDataException">The file is not a trace, is damaged, or asks for something impossible.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static Trace ReadFile(string path)
    {
        using FileStream file = File.OpenRead(path);
        return Read(file, TraceLocator.NameOf(path));
    }

    /// <summary>Reads a stream that can seek.</summary>
    /// <param name="source">The bytes, compressed with gzip or plain.</param>
    /// <param name="name">How messages and reports call the trace.</param>
    /// <exception cref="InvalidDataException">The content is not a trace, is damaged, or asks for something impossible.</exception>
    public static Trace Read(Stream source, string name)
    {
        try
        {
            if (!IsCompressed(source))
            {
                return ReadPlain(source, name);
            }

            using var plain = new GZipStream(source, CompressionMode.Decompress, leaveOpen: true);
            return ReadPlain(plain, name);
        }
        catch (InvalidDataException exception) when (!exception.Message.StartsWith(name, StringComparison.Ordinal))
        {
            throw new InvalidDataException($"{name}: the compressed data is damaged.", exception);
        }
    }

    private static bool IsCompressed(Stream source)
    {
        Span<byte> start = stackalloc byte[2];
        int got = source.ReadAtLeast(start, start.Length, throwOnEndOfStream: false);
        source.Seek(-got, SeekOrigin.Current);
        return got == 2 && start[0] == 0x1f && start[1] == 0x8b;
    }

    private static Trace ReadPlain(Stream source, string name)
    {
        Span<byte> header = stackalloc byte[HeaderBytes];
        int got = source.ReadAtLeast(header, HeaderBytes, throwOnEndOfStream: false);
        if (got < Magic.Length || !header[..Magic.Length].SequenceEqual(Magic))
        {
            throw new InvalidDataException($"{name}: not a trace; a trace begins with NMTRACE1.");
        }

        if (got < HeaderBytes)
        {
            throw new InvalidDataException($"{name}: truncated; the header has {got} of {HeaderBytes} bytes.");
        }

        uint records = Count(header[8..], TraceLimits.RecordsMax, "records", name);
        uint objects = Count(header[12..], Math.Max(records, 1), "objects", name);
        uint threads = Count(header[16..], TraceLimits.ThreadsMax, "threads", name);
        TraceRecord[] content = ReadRecords(source, (int)records, name);
        TraceValidator.Check(content, (int)objects, (int)threads, name);
        return new Trace(name, content, (int)objects, (int)threads);
    }

    private static uint Count(ReadOnlySpan<byte> field, uint most, string what, string name)
    {
        uint count = BinaryPrimitives.ReadUInt32LittleEndian(field);
        return count >= 1 && count <= most
            ? count
            : throw new InvalidDataException($"{name}: the header says {count} {what}; it must be 1 to {most}.");
    }

    // The buffer grows with the data that really arrives, so that a header that lies cannot make the lab reserve a gigabyte.
    private static TraceRecord[] ReadRecords(Stream source, int count, string name)
    {
        var records = new TraceRecord[Math.Min(count, ChunkRecords)];
        int filled = 0;
        while (true)
        {
            Span<byte> bytes = MemoryMarshal.AsBytes(records.AsSpan(filled));
            int got = source.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
            if (got < bytes.Length)
            {
                int whole = filled + (got / TraceRecord.Bytes);
                throw new InvalidDataException($"{name}: truncated; the header says {count} records, the file has {whole}.");
            }

            filled = records.Length;
            if (filled == count)
            {
                break;
            }

            Array.Resize(ref records, (int)Math.Min(count, (long)filled * 2));
        }

        Span<byte> rest = stackalloc byte[1];
        if (source.Read(rest) != 0)
        {
            throw new InvalidDataException($"{name}: there are bytes after the last of the {count} records.");
        }

        return records;
    }
}
