namespace NativeMm.Vmap;

/// <summary>What became of an attempt to make a range. Below the public surface it is a result, never an exception.</summary>
internal enum VmapOutcome
{
    /// <summary>The range is there.</summary>
    Success,

    /// <summary>All records of ranges are in use.</summary>
    NoRecords,

    /// <summary>The operating system refused the memory for further records or tables.</summary>
    NoBookkeeping,

    /// <summary>No free piece of the window is long enough.</summary>
    NoRange,

    /// <summary>The zone has no frames left.</summary>
    NoFrames,

    /// <summary>The range would need more mappings than are left.</summary>
    NoMappings,

    /// <summary>The operating system refused to map.</summary>
    Refused,

    /// <summary>A frame that was to be mapped is nobody's any more.</summary>
    FrameGone,

    /// <summary>The system cannot map, and no block of contiguous frames is so long.</summary>
    TooLong,
}
