using NativeMm.Diagnostics;

namespace NativeMm.Zsmalloc;

/// <summary>
/// The 8 bytes before an object, which lead from a slot back to the handle: a compactor walks slots. Bit 0 tells a used slot; then bits 1 to 13
/// are the object's size and bits 16 to 45 its cell. Of a free slot bits 1 to 16 are the next free slot.
/// </summary>
/// <param name="bits">The word.</param>
internal readonly struct ZsHead(ulong bits)
{
    private const int SizeShift = 1;
    private const int CellShift = 16;

    /// <summary>The word as it lies in memory.</summary>
    public ulong Bits { get; } = bits;

    /// <summary>Whether the slot has an object.</summary>
    public bool IsUsed => (Bits & 1) != 0;

    /// <summary>Size of the object, in bytes. Used slots only.</summary>
    public int ObjectBytes => (int)(Bits >> SizeShift) & 0x1FFF;

    /// <summary>The handle's cell. Used slots only.</summary>
    public uint Cell => (uint)(Bits >> CellShift) & (ZsCell.CellCount - 1);

    /// <summary>The next free slot. Free slots only.</summary>
    public ushort Next => (ushort)(Bits >> SizeShift);

    /// <summary>The head of a used slot.</summary>
    public static ZsHead Used(uint cell, int bytes)
    {
        Invariant.Assert(cell is > 0 and < ZsCell.CellCount && bytes is > 0 and <= 0x1FFF, $"A slot gets {bytes} bytes of cell {cell}.");
        return new(((ulong)cell << CellShift) | ((ulong)(uint)bytes << SizeShift) | 1);
    }

    /// <summary>The head of a free slot.</summary>
    public static ZsHead Free(ushort next) => new((ulong)next << SizeShift);
}
