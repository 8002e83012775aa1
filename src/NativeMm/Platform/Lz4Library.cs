namespace NativeMm.Platform;

/// <summary>The block functions of the LZ4 library, raw. Thread-safe: the work memory lies on the caller's stack.</summary>
internal sealed unsafe class Lz4Library
{
    // int f(const char* source, char* destination, int sourceBytes, int destinationBytes): bytes written; compress gives 0, decompress less than 0, on failure.
    private readonly delegate* unmanaged[Cdecl]<byte*, byte*, int, int, int> _compress;
    private readonly delegate* unmanaged[Cdecl]<byte*, byte*, int, int, int> _decompress;

    private Lz4Library(nint compress, nint decompress)
    {
        _compress = (delegate* unmanaged[Cdecl]<byte*, byte*, int, int, int>)compress;
        _decompress = (delegate* unmanaged[Cdecl]<byte*, byte*, int, int, int>)decompress;
    }

    /// <summary>The library's names on Linux, macOS and Windows.</summary>
    public static ReadOnlySpan<string> Names => new[] { "liblz4.so.1", "liblz4.1.dylib", "liblz4" };

    /// <summary>Loads the library.</summary>
    /// <param name="names">Its names, in the order to try; for tests, others than <see cref="Names"/>.</param>
    /// <returns>Null when it is not there or lacks a function.</returns>
    public static Lz4Library? Load(params ReadOnlySpan<string> names) =>
        NativeFunctions.Load(names) is { } functions
        && functions.TryFind("LZ4_compress_default", out nint compress)
        && functions.TryFind("LZ4_decompress_safe", out nint decompress)
            ? new Lz4Library(compress, decompress)
            : null;

    /// <summary>Compresses a block.</summary>
    /// <returns>Bytes written; 0 when they do not fit.</returns>
    public int Compress(ReadOnlySpan<byte> source, Span<byte> destination)
    {
        fixed (byte* from = source, to = destination)
        {
            return _compress(from, to, source.Length, destination.Length);
        }
    }

    /// <summary>Decompresses a block; never reads or writes outside of the spans, whatever they hold.</summary>
    /// <returns>Bytes written; less than 0 when the block is damaged or does not fit.</returns>
    public int Decompress(ReadOnlySpan<byte> source, Span<byte> destination)
    {
        fixed (byte* from = source, to = destination)
        {
            return _decompress(from, to, source.Length, destination.Length);
        }
    }
}
