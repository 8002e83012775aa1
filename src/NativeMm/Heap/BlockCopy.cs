using System.Runtime.Intrinsics;
using NativeMm.Diagnostics;

namespace NativeMm.Heap;

/// <summary>Copies between blocks, small ones without a call.</summary>
internal static unsafe class BlockCopy
{
    private const nuint InlineBytesMax = 256;

    /// <summary>
    /// Copies the content of one block to another. What is copied is rounded up to 16 bytes: blocks of every class are that long, and what lies
    /// behind the content is nobody's yet.
    /// </summary>
    /// <param name="from">A block from a size class.</param>
    /// <param name="to">Another one; not a guarded one, whose length is not rounded.</param>
    /// <param name="byteCount">At most the length of either.</param>
    public static void Small(void* from, void* to, nuint byteCount)
    {
        Invariant.Assert((byte*)from + byteCount <= to || (byte*)to + byteCount <= from, $"{byteCount} bytes are copied between blocks that share some.");
        if (byteCount > InlineBytesMax)
        {
            Buffer.MemoryCopy(from, to, byteCount, byteCount);
            return;
        }

        for (nuint at = 0; at < byteCount; at += 16)
        {
            Vector128.Store(Vector128.Load((byte*)from + at), (byte*)to + at);
        }
    }
}
