using System.Buffers.Binary;
using System.IO.Compression;
using System.Runtime.InteropServices;
using NativeMm.Lab.Harness;

namespace NativeMm.Lab.Traces;

/// <summary>
/// Writes a trace file. Records may come for as long as they like: they wait in a file beside it, because the header, which comes first, counts
/// them. Not thread-safe.
/// </summary>
internal sealed class TraceWriter : IDisposable
{
    /// <summary>Bytes before the first record.</summary>
    public const int HeaderBytes = 32;

    private readonly string _path;
    private readonly FileStream _body;

    /// <summary>Begins a file.</summary>
    /// <param name="path">The trace, compressed with gzip; it is there after <see cref="Complete"/> and not before.</param>
    /// <exception cref="IOException">Nothing can be written there.</exception>
    public TraceWriter(string path)
    {
        _path = path;
        _body = new FileStream($"{path}.part", FileMode.Create, FileAccess.ReadWrite, FileShare.None, 1 << 16, FileOptions.DeleteOnClose);
    }

    /// <summary>Records so far.</summary>
    public uint Count { get; private set; }

    /// <summary>Adds a record.</summary>
    public void Add(TraceRecord record)
    {
        _body.Write(MemoryMarshal.AsBytes(new ReadOnlySpan<TraceRecord>(in record)));
        Count++;
    }

    /// <summary>Writes the file: all of it, or nothing, and what was there under its name stays.</summary>
    /// <param name="objects">Object numbers are below this.</param>
    /// <param name="threads">Thread numbers are below this.</param>
    /// <exception cref="IOException">The file cannot be written, for want of space or otherwise.</exception>
    public void Complete(uint objects, uint threads)
    {
        Span<byte> header = stackalloc byte[HeaderBytes];
        header.Clear();
        "NMTRACE1"u8.CopyTo(header);
        BinaryPrimitives.WriteUInt32LittleEndian(header[8..], Count);
        BinaryPrimitives.WriteUInt32LittleEndian(header[12..], objects);
        BinaryPrimitives.WriteUInt32LittleEndian(header[16..], threads);
        using var whole = new WholeFile(_path);
        using (var packed = new GZipStream(whole.Stream, CompressionLevel.Optimal))
        {
            packed.Write(header);
            _body.Flush();
            _body.Position = 0;
            _body.CopyTo(packed);
        }

        whole.Complete();
    }

    /// <summary>Deletes what waits beside the file.</summary>
    public void Dispose() => _body.Dispose();
}
