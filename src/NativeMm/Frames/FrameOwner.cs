namespace NativeMm.Frames;

/// <summary>Who holds a block of frames.</summary>
public enum FrameOwner : byte
{
    /// <summary>Nobody: the frames are free, or their holder did not sign.</summary>
    None,

    /// <summary>A slab of small objects in a heap.</summary>
    HeapSlab,

    /// <summary>Taken out by a reporter while the operating system is told about it.</summary>
    Isolated,

    /// <summary>A caller of the public frame interface.</summary>
    External,
}
