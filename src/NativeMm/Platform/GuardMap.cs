using System.Runtime.InteropServices;

namespace NativeMm.Platform;

/// <summary>
/// What the fault handler must know of a range of guarded slots: where it lies, and where the text of each slot is. Read by machine code: the
/// offsets are part of <see cref="GuardFaultCode"/>.
/// </summary>
[StructLayout(LayoutKind.Explicit, Size = 48)]
internal struct GuardMap
{
    /// <summary>Offset of a text in its record; before it stands its length, as 32 bits, 0 for none.</summary>
    public const int TextOffset = 8;

    /// <summary>First address of slot 0.</summary>
    [FieldOffset(0)]
    public nuint Start;

    /// <summary>Length of all slots.</summary>
    [FieldOffset(8)]
    public nuint Bytes;

    /// <summary>log2 of the length of a slot.</summary>
    [FieldOffset(16)]
    public uint SlotShift;

    /// <summary>log2 of the length of a record.</summary>
    [FieldOffset(20)]
    public uint RecordShift;

    /// <summary>Address of slot 0's record.</summary>
    [FieldOffset(24)]
    public nuint Records;

    /// <summary>The handler that comes after; written by <see cref="GuardFaultHandler"/>.</summary>
    [FieldOffset(32)]
    public nuint Next;

    /// <summary>Offset in a record of 16 bytes for the digits of the address.</summary>
    [FieldOffset(40)]
    public nuint DigitsOffset;
}
