namespace NativeMm.Platform;

/// <summary>The single-pass functions of the Zstandard library, raw. Thread-safe as long as no context is used by two threads at once.</summary>
internal sealed unsafe class ZstandardLibrary
{
    private readonly delegate* unmanaged[Cdecl]<nint> _createCompressor;
    private readonly delegate* unmanaged[Cdecl]<nint> _createDecompressor;
    private readonly delegate* unmanaged[Cdecl]<nint, byte*, nuint, byte*, nuint, int, nuint> _compress;
    private readonly delegate* unmanaged[Cdecl]<nint, byte*, nuint, byte*, nuint, nuint> _decompress;
    private readonly delegate* unmanaged[Cdecl]<nint, nuint> _freeCompressor;
    private readonly delegate* unmanaged[Cdecl]<nint, nuint> _freeDecompressor;
    private readonly delegate* unmanaged[Cdecl]<nuint, uint> _isError;

    private ZstandardLibrary(ReadOnlySpan<nint> functions)
    {
        _createCompressor = (delegate* unmanaged[Cdecl]<nint>)functions[0];
        _freeCompressor = (delegate* unmanaged[Cdecl]<nint, nuint>)functions[1];
        _compress = (delegate* unmanaged[Cdecl]<nint, byte*, nuint, byte*, nuint, int, nuint>)functions[2];
        _createDecompressor = (delegate* unmanaged[Cdecl]<nint>)functions[3];
        _freeDecompressor = (delegate* unmanaged[Cdecl]<nint, nuint>)functions[4];
        _decompress = (delegate* unmanaged[Cdecl]<nint, byte*, nuint, byte*, nuint, nuint>)functions[5];
        _isError = (delegate* unmanaged[Cdecl]<nuint, uint>)functions[6];
    }

    /// <summary>The library's names on Linux, macOS and Windows.</summary>
    public static ReadOnlySpan<string> Names => new[] { "libzstd.so.1", "libzstd.1.dylib", "libzstd" };

    /// <summary>Loads the library.</summary>
    /// <param name="names">Its names, in the order to try; for tests, others than <see cref="Names"/>.</param>
    /// <returns>Null when it is not there or lacks a function.</returns>
    public static ZstandardLibrary? Load(params ReadOnlySpan<string> names)
    {
        if (NativeFunctions.Load(names) is not { } library)
        {
            return null;
        }

        ReadOnlySpan<string> wanted = new[]
        {
            "ZSTD_createCCtx", "ZSTD_freeCCtx", "ZSTD_compressCCtx", "ZSTD_createDCtx", "ZSTD_freeDCtx", "ZSTD_decompressDCtx", "ZSTD_isError",
        };
        Span<nint> found = stackalloc nint[wanted.Length];
        for (int i = 0; i < wanted.Length; i++)
        {
            if (!library.TryFind(wanted[i], out found[i]))
            {
                return null;
            }
        }

        return new ZstandardLibrary(found);
    }

    /// <summary>Makes a compression context; 0 when there is no memory.</summary>
    public nint CreateCompressor() => _createCompressor();

    /// <summary>Frees a compression context; 0 is allowed.</summary>
    public void FreeCompressor(nint compressor) => _ = _freeCompressor(compressor);

    /// <summary>Makes a decompression context; 0 when there is no memory.</summary>
    public nint CreateDecompressor() => _createDecompressor();

    /// <summary>Frees a decompression context; 0 is allowed.</summary>
    public void FreeDecompressor(nint decompressor) => _ = _freeDecompressor(decompressor);

    /// <summary>Compresses into one frame.</summary>
    /// <returns>Bytes written; 0 on any failure, also when they do not fit.</returns>
    public int Compress(nint compressor, ReadOnlySpan<byte> source, Span<byte> destination, int level)
    {
        fixed (byte* from = source, to = destination)
        {
            return Bytes(_compress(compressor, to, (nuint)destination.Length, from, (nuint)source.Length, level));
        }
    }

    /// <summary>Decompresses one frame; never reads or writes outside of the spans, whatever they hold.</summary>
    /// <returns>Bytes written; 0 on any failure.</returns>
    public int Decompress(nint decompressor, ReadOnlySpan<byte> source, Span<byte> destination)
    {
        fixed (byte* from = source, to = destination)
        {
            return Bytes(_decompress(decompressor, to, (nuint)destination.Length, from, (nuint)source.Length));
        }
    }

    private int Bytes(nuint result) => _isError(result) == 0 ? (int)result : 0;
}
