namespace NativeMm.AddressSpaces;

/// <summary>What whoever counted frames of a block is to do.</summary>
internal enum BlockStep
{
    /// <summary>Nothing: somebody else does it.</summary>
    None,

    /// <summary>They were the first to go: split the block.</summary>
    Split,

    /// <summary>They were the last that were waited for: give up the first frame, or the block when it cannot be split.</summary>
    End,
}
