using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace NativeMm.Buffers;

/// <summary>
/// CRC-32C of a page in four lanes, because one lane waits for the latency of each step: word n goes to lane n mod 4. The key is the seed of the first
/// lane, so that a page that turns up under another key does not pass.
/// </summary>
/// <remarks>
/// A CRC is linear, and a codec that copies damaged bytes writes the same error many times over, at a fixed distance. Lanes that were put together
/// linearly would let such errors cancel each other. So each lane goes through a permutation of its own first: what changes one lane alone is found as
/// surely as by a CRC, and what changes several cancels by chance only.
/// </remarks>
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

        return Permute(a, 0x9E3779B1) ^ Permute(b, 0x85EBCA77) ^ Permute(c, 0xC2B2AE3D) ^ Permute(d, 0x27D4EB2F);
    }

    // Each step can be undone, so no two values give the same. The factor is odd.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Permute(uint lane, uint factor)
    {
        lane *= factor;
        lane ^= lane >> 15;
        lane *= 0x2C1B3C6D;
        lane ^= lane >> 12;
        lane *= 0x297A2D39;
        return lane ^ (lane >> 15);
    }
}
