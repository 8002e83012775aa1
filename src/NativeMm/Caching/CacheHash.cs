using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace NativeMm.Caching;

/// <summary>
/// Mixes keys with two random words that nobody outside knows, so that chosen keys do not meet in one bucket. The words are of one cache: what one cache shows of
/// its order says nothing of another.
/// </summary>
/// <remarks>Source: wyhash (Wang Yi), whose multiplications fold 16 bytes a step; its constants are replaced by the random words.</remarks>
/// <param name="seed">A random word.</param>
/// <param name="secret">Another one.</param>
internal readonly struct CacheHash(ulong seed, ulong secret)
{
    private const ulong Odd = 0x9E3779B97F4A7C15;

    /// <summary>A hash of 64 bits, each of them as good as the others.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong Of(ReadOnlySpan<byte> key)
    {
        ref byte first = ref MemoryMarshal.GetReference(key);
        nuint length = (uint)key.Length;
        ulong a;
        ulong b;
        ulong state = seed;
        if (length is >= 8 and <= 16)
        {
            a = Unsafe.ReadUnaligned<ulong>(ref first);
            b = Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref first, length - 8));
        }
        else if (length < 8)
        {
            (a, b) = ReadShort(ref first, length);
        }
        else
        {
            state = OfLong(ref first, length, out a, out b);
        }

        return Fold(Fold(a ^ secret, b ^ state) ^ secret, Odd ^ length ^ state);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (ulong A, ulong B) ReadShort(ref byte first, nuint length)
    {
        if (length >= 4)
        {
            return (Unsafe.ReadUnaligned<uint>(ref first), Unsafe.ReadUnaligned<uint>(ref Unsafe.Add(ref first, length - 4)));
        }

        return length == 0
            ? (0UL, 0UL)
            : (((ulong)first << 16) | ((ulong)Unsafe.Add(ref first, length >> 1) << 8) | Unsafe.Add(ref first, length - 1), 0UL);
    }

    private ulong OfLong(ref byte first, nuint length, out ulong a, out ulong b)
    {
        ulong state = seed;
        nuint at = 0;
        for (; length - at > 16; at += 16)
        {
            state = Fold(
                Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref first, at)) ^ secret,
                Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref first, at + 8)) ^ state);
        }

        a = Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref first, length - 16));
        b = Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref first, length - 8));
        return state;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Fold(ulong x, ulong y) => Math.BigMul(x, y, out ulong low) ^ low;
}
