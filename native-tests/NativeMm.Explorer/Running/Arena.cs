using System.Runtime.InteropServices;
using NativeMm.Explorer.Machine;

namespace NativeMm.Explorer.Running;

/// <summary>Memory for a case's structures: at the same addresses in each execution, and zero at the beginning of each.</summary>
internal static unsafe class Arena
{
    private static nuint s_used;

    /// <summary>Makes it new for an execution.</summary>
    public static void Reset()
    {
        NativeMemory.Clear((void*)ArenaMemory.Begin, s_used);
        s_used = 0;
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
