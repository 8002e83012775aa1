using System.Runtime.InteropServices;

namespace NativeMm.Explorer.Machine;

/// <summary>One range of memory for the structures of all cases: what a case makes lies at the same addresses in each execution.</summary>
internal static unsafe class ArenaMemory
{
    /// <summary>Its length. What is not touched costs addresses.</summary>
    public const int Bytes = 64 << 20;

    private const nuint Alignment = 2 << 20;

    /// <summary>The first byte, at a multiple of 2 MiB.</summary>
    public static nuint Begin { get; } = (nuint)NativeMemory.AlignedAlloc(Bytes, Alignment);
}
