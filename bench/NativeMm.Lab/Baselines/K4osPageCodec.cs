using K4os.Compression.LZ4;
using NativeMm.Buffers;

namespace NativeMm.Lab.Baselines;

/// <summary>LZ4 blocks by K4os.Compression.LZ4, which is managed code.</summary>
internal sealed class K4osPageCodec : IPageCodec
{
    /// <inheritdoc/>
    public string Name => "k4os-lz4";

    /// <inheritdoc/>
    public bool TryCompress(ReadOnlySpan<byte> page, Span<byte> destination, out int bytesWritten)
    {
        bytesWritten = Math.Max(0, LZ4Codec.Encode(page, destination, LZ4Level.L00_FAST));
        return bytesWritten > 0;
    }

    /// <inheritdoc/>
    public bool TryDecompress(ReadOnlySpan<byte> compressed, Span<byte> page) => LZ4Codec.Decode(compressed, page) == page.Length;
}
