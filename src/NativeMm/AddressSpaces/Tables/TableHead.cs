using System.Runtime.InteropServices;
using NativeMm.Primitives;

namespace NativeMm.AddressSpaces;

/// <summary>What a space keeps about one page table, in the descriptor of its frame: the table itself is all entries.</summary>
[StructLayout(LayoutKind.Explicit, Size = Bytes)]
internal unsafe struct TableHead
{
    /// <summary>Size.</summary>
    public const int Bytes = 32;

    // Whoever changes an entry of the table, or the two counts, holds it. Of several tables the upper one first.
    [FieldOffset(0)]
    public SpinLock<NoLockStatistics> Lock;

    // Entries that are not empty.
    [FieldOffset(8)]
    public ushort Population;

    // 0 for leaves.
    [FieldOffset(10)]
    public byte Level;

    // Whether all pages of a leaf lie in one block of 2 MiB, in order. Of an upper table: whether it was made for a tree that was taken out (PageTables.Detach).
    [FieldOffset(11)]
    public bool IsHuge;

    // The next table, as the number of its frame plus 1, in a list of tables that were taken out; their locks and parents are still looked at.
    [FieldOffset(12)]
    public uint NextUnlinked;

    // The entry that refers to the table.
    [FieldOffset(16)]
    public ulong* Parent;

    // First page of the table's range.
    [FieldOffset(24)]
    public ulong FirstPage;
}
