using NativeMm.Platform;

namespace NativeMm.Buffers;

/// <summary>The library's work memory for one operation at a time. Either context is 0 when the library had no memory for it.</summary>
internal sealed class ZstandardContext(ZstandardLibrary library)
{
    /// <summary>Frees the contexts when the core's cache had no room for them.</summary>
    ~ZstandardContext()
    {
        library.FreeCompressor(Compressor);
        library.FreeDecompressor(Decompressor);
    }

    public nint Compressor { get; } = library.CreateCompressor();

    public nint Decompressor { get; } = library.CreateDecompressor();
}
