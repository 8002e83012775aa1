using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using NativeMm.Diagnostics;

namespace NativeMm.Heap;

/// <summary>Clears small blocks with a few vector stores, faster than a call of the general routine would begin.</summary>
internal static unsafe class ZeroFill
{
    /// <summary>Largest size that <see cref="Small"/> takes.</summary>
    public const nuint SmallBytesMax = 256;

    /// <summary>
    /// Clears a block. Stores overlap instead of adding up to the size, so that sizes of one doubling take the same path. Whole vectors never
    /// leave the block, because its length is a multiple of 16 bytes, and of 32 if more than 16 bytes are asked of a block of at most 32.
    /// </summary>
    /// <param name="block">A block from a size class.</param>
    /// <param name="byteCount">1 to <see cref="SmallBytesMax"/>.</param>
    /// <returns>The block.</returns>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void* Small(void* block, nuint byteCount)
    {
        Invariant.Assert(byteCount is > 0 and <= SmallBytesMax && (nuint)block % 16 == 0, $"{byteCount} bytes at 0x{(nuint)block:x} are cleared as a small block.");
        byte* at = (byte*)block;
        byte* end = at + ((byteCount + 15) & ~(nuint)15);
        if (byteCount > 64)
        {
            Vector256.Store(Vector256<byte>.Zero, at);
            Vector256.Store(Vector256<byte>.Zero, at + 32);
            for (at += 64; at < end - 64; at += 32)
            {
                Vector256.Store(Vector256<byte>.Zero, at);
            }

            Vector256.Store(Vector256<byte>.Zero, end - 64);
            Vector256.Store(Vector256<byte>.Zero, end - 32);
        }
        else if (byteCount > 16)
        {
            Vector256.Store(Vector256<byte>.Zero, at);
            Vector256.Store(Vector256<byte>.Zero, end - 32);
        }
        else
        {
            Vector128.Store(Vector128<byte>.Zero, at);
        }

        return block;
    }
}
