using System.IO.Compression;
using System.Numerics;

namespace NativeMm.Buffers;

/// <summary>The framework's Brotli, at its fastest quality but one: it is always there.</summary>
internal sealed class BrotliPageCodec : IPageCodec
{
    private const int Quality = 1;
    private const int WindowBitsMin = 10;

    /// <inheritdoc/>
    public string Name => "brotli";

    /// <inheritdoc/>
    public bool TryCompress(ReadOnlySpan<byte> page, Span<byte> destination, out int bytesWritten) =>
        BrotliEncoder.TryCompress(page, destination, out bytesWritten, Quality, WindowBits(page.Length));

    /// <inheritdoc/>
    public bool TryDecompress(ReadOnlySpan<byte> compressed, Span<byte> page) =>
        BrotliDecoder.TryDecompress(compressed, page, out int bytesWritten) && bytesWritten == page.Length;

    // A window of 2ⁿ − 16 bytes that spans the page.
    private static int WindowBits(int pageBytes) => Math.Max(WindowBitsMin, BitOperations.Log2((uint)pageBytes) + 1);
}
