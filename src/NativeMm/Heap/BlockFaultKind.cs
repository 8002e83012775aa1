namespace NativeMm.Heap;

/// <summary>What a depot can find wrong with a block that comes back.</summary>
internal enum BlockFaultKind
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>The block is free already.</summary>
    DoubleFree,

    /// <summary>The pointer does not lie at the start of a block.</summary>
    NotBlockStart,
}
