using NativeMm.Platform;

namespace NativeMm.Buffers;

/// <summary>LZ4 blocks by the system's library.</summary>
internal sealed class Lz4PageCodec(Lz4Library library) : IPageCodec
{
    /// <inheritdoc/>
    public string Name => "lz4";

    /// <inheritdoc/>
    public bool TryCompress(ReadOnlySpan<byte> page, Span<byte> destination, out int bytesWritten)
    {
        bytesWritten = library.Compress(page, destination);
        return bytesWritten > 0;
    }

    /// <inheritdoc/>
    public bool TryDecompress(ReadOnlySpan<byte> compressed, Span<byte> page) => library.Decompress(compressed, page) == page.Length;
}
