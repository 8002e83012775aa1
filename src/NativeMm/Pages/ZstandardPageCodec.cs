using NativeMm.Platform;
using NativeMm.Primitives;

namespace NativeMm.Buffers;

/// <summary>Zstandard frames by the system's library, with contexts that are kept for each core.</summary>
internal sealed class ZstandardPageCodec : IPageCodec
{
    // The library's fastest regular level: on pages of this length the higher ones cost much and gain little.
    private const int Level = 1;

    private readonly ZstandardLibrary _library;
    private readonly PerCoreCache<ZstandardContext> _contexts;

    public ZstandardPageCodec(ZstandardLibrary library)
    {
        _library = library;
        _contexts = new PerCoreCache<ZstandardContext>(() => new ZstandardContext(library));
    }

    /// <inheritdoc/>
    public string Name => "zstd";

    /// <inheritdoc/>
    public bool TryCompress(ReadOnlySpan<byte> page, Span<byte> destination, out int bytesWritten)
    {
        ZstandardContext context = _contexts.Take();
        if (context.Compressor == 0)
        {
            // No memory for the library's context, which is dropped: the page stays as it is, and the next one tries again.
            bytesWritten = 0;
            return false;
        }

        bytesWritten = _library.Compress(context.Compressor, page, destination, Level);
        _contexts.Return(context);
        return bytesWritten > 0;
    }

    /// <inheritdoc/>
    public bool TryDecompress(ReadOnlySpan<byte> compressed, Span<byte> page)
    {
        ZstandardContext context = _contexts.Take();
        if (context.Decompressor == 0)
        {
            // No memory for the library's context: not the page's fault, and not to be mistaken for it.
            throw new OutOfMemoryException("The Zstandard library cannot have the memory of a decompression context.");
        }

        bool restored = _library.Decompress(context.Decompressor, compressed, page) == page.Length;
        _contexts.Return(context);
        return restored;
    }
}
