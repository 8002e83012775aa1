namespace NativeMm.Frames;

/// <summary>What a tree of frames is filled with, so that blocks of one lifetime stay together.</summary>
internal enum TreeKind : byte
{
    /// <summary>Blocks that stay where they are until they are freed.</summary>
    Unmovable,

    /// <summary>Blocks whose owner can move them.</summary>
    Movable,

    /// <summary>Blocks whose owner gives them back on request.</summary>
    Reclaimable,

    /// <summary>Blocks of order 9 and 10.</summary>
    Huge,
}
