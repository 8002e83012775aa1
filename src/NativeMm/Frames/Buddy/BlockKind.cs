namespace NativeMm.Frames;

/// <summary>Lifetime of blocks (Linux: migrate type). Blocks of one kind share 2 MiB page blocks, so that others stay whole.</summary>
internal enum BlockKind : byte
{
    /// <summary>Stays where it is until it is freed.</summary>
    Unmovable,

    /// <summary>The owner can move it.</summary>
    Movable,

    /// <summary>The owner gives it back on request.</summary>
    Reclaimable,
}
