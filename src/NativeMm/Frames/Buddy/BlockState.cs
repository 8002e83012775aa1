namespace NativeMm.Frames;

/// <summary>What a frame's descriptor says of the block that begins there.</summary>
internal enum BlockState : byte
{
    /// <summary>No block begins here, or nobody ever used the frame.</summary>
    None,

    /// <summary>A free block, on a list of the zone.</summary>
    Free,

    /// <summary>A block that was handed out.</summary>
    Allocated,

    /// <summary>A free block on a core's list, or on its way there or back.</summary>
    PerCore,

    /// <summary>A block taken out by a reporter.</summary>
    Isolated,
}
