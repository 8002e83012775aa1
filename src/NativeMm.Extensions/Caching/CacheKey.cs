using System.Buffers;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text.Unicode;
using NativeMm.Caching;

namespace NativeMm.Extensions;

/// <summary>
/// The bytes of a key. Texts have their UTF-8. What is no text in UTF-16, because half of a pair is missing, has a byte before it that no UTF-8 begins with,
/// and then its own units: replaced by question marks two such keys would be one. A key that is too long for the cache is its digest, behind another such byte.
/// </summary>
internal ref struct CacheKey
{
    /// <summary>Bytes of stack that spare nearly every key a rented array.</summary>
    public const int StackBytes = 384;

    private const byte UnitsMark = 0xFF;
    private const byte DigestMark = 0xFE;

    private byte[]? _rented;

    /// <summary>Makes the bytes.</summary>
    /// <param name="key">The key.</param>
    /// <param name="buffer">Where they go if they fit; it must outlive the key.</param>
    public CacheKey(string key, Span<byte> buffer)
    {
        if (key.Length > NativeCacheOptions.KeyBytesMax)
        {
            // Text has at least as many bytes as units: it is too long, and need not be written to be known.
            Bytes = Digest(key, buffer);
            return;
        }

        int bytesMax = 1 + (3 * key.Length);
        if (bytesMax > buffer.Length)
        {
            buffer = _rented = ArrayPool<byte>.Shared.Rent(bytesMax);
        }

        if (Utf8.FromUtf16(key, buffer, out _, out int written, replaceInvalidSequences: false) != OperationStatus.Done)
        {
            ReadOnlySpan<byte> units = MemoryMarshal.AsBytes(key.AsSpan());
            buffer[0] = UnitsMark;
            units.CopyTo(buffer[1..]);
            written = 1 + units.Length;
        }

        Bytes = written > NativeCacheOptions.KeyBytesMax ? Digest(key, buffer) : buffer[..written];
    }

    /// <summary>The bytes.</summary>
    public ReadOnlySpan<byte> Bytes { get; }

    /// <summary>Gives the array back.</summary>
    public void Dispose()
    {
        if (_rented is { } rented)
        {
            _rented = null;
            ArrayPool<byte>.Shared.Return(rented);
        }
    }

    private static ReadOnlySpan<byte> Digest(string key, Span<byte> buffer)
    {
        buffer[0] = DigestMark;
        return buffer[..(1 + SHA256.HashData(MemoryMarshal.AsBytes(key.AsSpan()), buffer[1..]))];
    }
}
