namespace NativeMm.Buffers;

/// <summary>Compresses pages for a <see cref="CompressedPageStore"/>, and values for a cache. Implementations are thread-safe and keep nothing from one page to the next.</summary>
public interface IPageCodec
{
    /// <summary>What the codec is called in messages and listings.</summary>
    string Name { get; }

    /// <summary>Compresses a page.</summary>
    /// <param name="page">4096, 16384 or 65536 bytes; from a <c>NativeCache</c> a value of any length.</param>
    /// <param name="destination">Where the compressed page goes; shorter than the page. What lies behind the written bytes may be overwritten too.</param>
    /// <param name="bytesWritten">Length of the compressed page, 1 to <paramref name="destination"/>'s length. The store refuses a codec that reports another.</param>
    /// <returns>False when the compressed page does not fit: the store keeps the page as it is.</returns>
    bool TryCompress(ReadOnlySpan<byte> page, Span<byte> destination, out int bytesWritten);

    /// <summary>
    /// Restores a page. The bytes may be damaged: whatever they hold, nothing outside of the two spans is touched. Bytes that are damaged so that
    /// this does not notice are found by the store's checksum. What this throws says nothing of the page: it is not corrupted, and may be asked for again.
    /// </summary>
    /// <param name="compressed">What <see cref="TryCompress"/> wrote.</param>
    /// <param name="page">Where the page goes; exactly its length.</param>
    /// <returns>Whether the page was restored in its full length.</returns>
    bool TryDecompress(ReadOnlySpan<byte> compressed, Span<byte> page);
}
