namespace NativeMm.Buffers;

/// <summary>How an <see cref="Arena"/> takes memory from its heap.</summary>
public sealed record ArenaOptions
{
    /// <summary>Bytes of the first chunk, at least 256. Default 16 KiB. It is taken at the first allocation and kept by <see cref="Arena.Reset"/>.</summary>
    public long FirstChunkBytes { get; init; } = 16 * 1024;

    /// <summary>Each chunk is twice the one before, up to this; at least <see cref="FirstChunkBytes"/>. Default 1 MiB.</summary>
    public long ChunkBytesMax { get; init; } = 1024 * 1024;

    /// <summary>Throws when a value is out of its range.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The message names the option, its value and its range.</exception>
    public void Validate()
    {
        if (FirstChunkBytes < 256)
        {
            throw new ArgumentOutOfRangeException(nameof(FirstChunkBytes), FirstChunkBytes, "The first chunk is at least 256 bytes.");
        }

        if (ChunkBytesMax < FirstChunkBytes)
        {
            throw new ArgumentOutOfRangeException(nameof(ChunkBytesMax), ChunkBytesMax, $"The largest chunk is at least the first one, {FirstChunkBytes} bytes.");
        }
    }
}
