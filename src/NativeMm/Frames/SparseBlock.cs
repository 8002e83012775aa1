namespace NativeMm.Frames;

/// <summary>A block of 2 MiB that is used in part, by frames that can all be moved.</summary>
/// <param name="Block">Its number.</param>
/// <param name="Used">Frames in use.</param>
/// <param name="Held">Free frames whose pages the operating system may hold.</param>
internal readonly record struct SparseBlock(uint Block, uint Used, uint Held) : IComparable<SparseBlock>
{
    /// <summary>The sparsest come first; of equal ones those at high addresses, because allocations begin at low ones.</summary>
    public int CompareTo(SparseBlock other) => Used != other.Used ? Used.CompareTo(other.Used) : other.Block.CompareTo(Block);
}
