namespace NativeMm.Frames;

/// <summary>
/// Who holds a block of frames, as far as its holder signs in the block's descriptor. A heap signs its slabs in words of its own instead: a
/// descriptor for each slab would be resident for each slab.
/// </summary>
internal enum FrameOwner : byte
{
    /// <summary>Nobody: the frames are free, or their holder did not sign.</summary>
    None,

    /// <summary>Taken out by a reporter while the operating system is told about it.</summary>
    Isolated,
}
