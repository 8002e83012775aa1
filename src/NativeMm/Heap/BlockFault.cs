namespace NativeMm.Heap;

/// <summary>A caller's mistake that was found under a lock and is thrown once the lock is given up.</summary>
/// <param name="Kind">Which mistake.</param>
/// <param name="Address">The pointer that was handed in.</param>
internal readonly record struct BlockFault(BlockFaultKind Kind, nuint Address)
{
    /// <summary>No mistake.</summary>
    public static readonly BlockFault None;

    /// <summary>The first of two mistakes, if any: of many that one section finds, one is told.</summary>
    public BlockFault Or(BlockFault later) => Kind == BlockFaultKind.None ? later : this;
}
