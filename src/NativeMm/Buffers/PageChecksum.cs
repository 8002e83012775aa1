using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace NativeMm.Buffers;

/// <summary>
/// CRC-32C of a page in four lanes, because one lane waits for the latency of each step: word n goes to lane n mod 4, and the lanes are added
/// up in their order. The key is the seed, so that a page that turns up under another key does not pass.
/// </summary>
internal static class PageChecksum
{
    private const int Lanes = 4;

    /// <summary>Computes the checksum.</summary>
    /// <param name="page">A multiple of 32 bytes.</param>
    /// <param name="key">The page's key.</param>
    public static uint Compute(ReadOnlySpan<byte> page, ulong key)
    {
        ReadOnlySpan<ulong> words = MemoryMarshal.Cast<byte, ulong>(page);
        ref ulong word = ref MemoryMarshal.GetReference(words);
        uint a = BitOperations.Crc32C(0u, key);
        uint b = 1;
        uint c = 2;
        uint d = 3;
        for (nint i = 0; i <= words.Length - Lanes; i += Lanes)
        {
            a = BitOperations.Crc32C(a, Unsafe.Add(ref word, i));
            b = BitOperations.Crc32C(b, Unsafe.Add(ref word, i + 1));
            c = BitOperations.Crc32C(c, Unsafe.Add(ref word, i + 2));
            d = BitOperations.Crc32C(d, Unsafe.Add(ref word, i + 3));
        }

        return BitOperations.Crc32C(BitOperations.Crc32C(a, ((ulong)b << 32) | c), d);
    }
}
