namespace NativeMm.Lab.Traces;

/// <summary>What a recorded program asked its allocator to do.</summary>
internal enum TraceOperation : byte
{
    /// <summary>A block, natural alignment or the recorded one.</summary>
    Allocate = 0,

    /// <summary>A block that reads as zero.</summary>
    AllocateZeroed = 1,

    /// <summary>The block goes back.</summary>
    Free = 2,

    /// <summary>The block changes its size and keeps its content.</summary>
    Reallocate = 3,
}
