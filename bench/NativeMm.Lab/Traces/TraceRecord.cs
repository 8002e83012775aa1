using System.Runtime.InteropServices;

namespace NativeMm.Lab.Traces;

/// <summary>One recorded call, exactly as it lies in the file: 16 bytes, little endian.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1, Size = Bytes)]
internal readonly struct TraceRecord(TraceOperation operation, byte thread, ushort alignmentLog2, uint item, ulong size)
{
    /// <summary>Bytes of a record.</summary>
    public const int Bytes = 16;

    /// <summary>What was asked for.</summary>
    public readonly TraceOperation Operation = operation;

    /// <summary>The thread that asked, counted from 0.</summary>
    public readonly byte Thread = thread;

    /// <summary>Base-2 logarithm of the alignment; 0 means natural alignment.</summary>
    public readonly ushort AlignmentLog2 = alignmentLog2;

    /// <summary>The object's number; it stays the same over a reallocation.</summary>
    public readonly uint Object = item;

    /// <summary>Bytes asked for; without meaning for a free.</summary>
    public readonly ulong Size = size;
}
