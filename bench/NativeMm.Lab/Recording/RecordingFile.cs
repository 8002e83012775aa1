using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace NativeMm.Lab.Recording;

/// <summary>The file between the lab and the preloaded library: a page of header, then a place for each event. Deleted when disposed of.</summary>
internal sealed class RecordingFile : IDisposable
{
    private const int HeaderBytes = 4096;
    private const int LimitOffset = 8;
    private const int NextOffset = 16;
    private const int OwnerOffset = 24;
    private const int StrangersOffset = 28;
    private const int ChunkEvents = 1 << 14;

    private readonly FileStream _file;
    private readonly long _limit;

    /// <summary>Makes the file. Its disk space is taken now: a program that writes into a hole on a full disk would be killed.</summary>
    /// <param name="path">Where; a file that is there is replaced.</param>
    /// <param name="limit">Places.</param>
    /// <exception cref="IOException">The file cannot be made, for want of space or otherwise.</exception>
    public RecordingFile(string path, long limit)
    {
        _limit = limit;
        long bytes = HeaderBytes + (limit * RecordedEvent.Bytes);
        _file = new FileStream(path, new FileStreamOptions
        {
            Mode = FileMode.Create,
            Access = FileAccess.ReadWrite,
            Share = FileShare.ReadWrite,
            Options = FileOptions.DeleteOnClose,
            PreallocationSize = bytes,
            BufferSize = 0,
        });
        _file.SetLength(bytes);
        byte[] header = new byte[HeaderBytes];
        "NMRECORD"u8.CopyTo(header);
        BinaryPrimitives.WriteInt64LittleEndian(header.AsSpan(LimitOffset), limit);
        _file.Write(header);
        _file.Flush();
    }

    /// <summary>Path of the file.</summary>
    public string Path => _file.Name;

    /// <summary>Places that were taken.</summary>
    public long Count => Math.Min(_limit, BinaryPrimitives.ReadInt64LittleEndian(Header(NextOffset, sizeof(long))));

    /// <summary>Whether all places are taken.</summary>
    public bool IsFull => Count == _limit;

    /// <summary>Whether a program was loaded with the library.</summary>
    public bool HasOwner => BinaryPrimitives.ReadInt32LittleEndian(Header(OwnerOffset, sizeof(int))) != 0;

    /// <summary>Programs beside the recorded one that were loaded with the library.</summary>
    public int Strangers => BinaryPrimitives.ReadInt32LittleEndian(Header(StrangersOffset, sizeof(int)));

    /// <summary>All events, in order.</summary>
    public IEnumerable<RecordedEvent> Events()
    {
        long count = Count;
        var chunk = new RecordedEvent[ChunkEvents];
        for (long at = 0; at < count;)
        {
            int wanted = (int)Math.Min(ChunkEvents, count - at);
            RandomAccess.Read(_file.SafeFileHandle, MemoryMarshal.AsBytes(chunk.AsSpan(0, wanted)), HeaderBytes + (at * RecordedEvent.Bytes));
            for (int i = 0; i < wanted; i++)
            {
                yield return chunk[i];
            }

            at += wanted;
        }
    }

    /// <summary>Closes and deletes the file.</summary>
    public void Dispose() => _file.Dispose();

    private byte[] Header(int offset, int bytes)
    {
        byte[] field = new byte[bytes];
        RandomAccess.Read(_file.SafeFileHandle, field, offset);
        return field;
    }
}
