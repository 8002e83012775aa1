using System.Runtime.InteropServices;

namespace NativeMm.Lab.Recording;

/// <summary>One event exactly as the preloaded library writes it.</summary>
[StructLayout(LayoutKind.Explicit, Size = Bytes)]
internal readonly struct RecordedEvent(RecordedOperation operation, byte alignmentLog2, uint thread, ulong address, ulong size)
{
    /// <summary>Bytes of an event.</summary>
    public const int Bytes = 32;

    /// <summary>What happened.</summary>
    [FieldOffset(0)]
    public readonly RecordedOperation Operation = operation;

    /// <summary>Base-2 logarithm of the alignment asked for; 0 means natural alignment.</summary>
    [FieldOffset(1)]
    public readonly byte AlignmentLog2 = alignmentLog2;

    /// <summary>Which thread, counted from 0 in the order of their first call.</summary>
    [FieldOffset(4)]
    public readonly uint Thread = thread;

    /// <summary>The block.</summary>
    [FieldOffset(8)]
    public readonly ulong Address = address;

    /// <summary>Bytes asked for.</summary>
    [FieldOffset(16)]
    public readonly ulong Size = size;
}
