using System.Runtime.InteropServices;
using NativeMm.Explorer.Machine;

namespace NativeMm.Explorer.Running;

/// <summary>Memory for a case's structures: at the same addresses in each execution, and zero at the beginning of each.</summary>
internal static unsafe class Arena
{
    private const nuint UnclearedBytes = 256 << 20;
    private static readonly nuint s_uncleared = (nuint)NativeMemory.AlignedAlloc(UnclearedBytes, 2 << 20);
    private static nuint s_unclearedUsed;
    private static nuint s_used;

    /// <summary>Makes it new for an execution.</summary>
    public static void Reset()
    {
        NativeMemory.Clear((void*)ArenaMemory.Begin, s_used);
        s_used = 0;
        s_unclearedUsed = 0;
    }

    /// <summary>Takes a large piece that holds whatever the last execution left there: the frames of zones, which nobody believes to be zero.</summary>
    public static nuint TakeUncleared(nuint length, nuint alignment)
    {
        nuint at = (s_unclearedUsed + alignment - 1) & ~(alignment - 1);
        s_unclearedUsed = at + length;
        return s_unclearedUsed <= UnclearedBytes ? s_uncleared + at : throw new OutOfMemoryException($"The arena has {UnclearedBytes} bytes for frames.");
    }

    /// <summary>Takes a piece that reads as zero.</summary>
    public static void* Take(nuint length, nuint alignment = 128)
    {
        nuint at = (s_used + alignment - 1) & ~(alignment - 1);
        s_used = at + length;
        return s_used <= ArenaMemory.Bytes
            ? (byte*)ArenaMemory.Begin + at
            : throw new OutOfMemoryException($"The arena has {ArenaMemory.Bytes} bytes; {s_used} are needed.");
    }
}
