namespace NativeMm.Diagnostics;

/// <summary>The caller's mistake.</summary>
public enum MemoryFaultKind
{
    /// <summary>A block was freed that is free already.</summary>
    DoubleFree,

    /// <summary>The pointer lies inside a block, not at its start.</summary>
    NotBlockStart,

    /// <summary>The memory does not belong to the allocator at all.</summary>
    ForeignPointer,

    /// <summary>The block belongs to another heap.</summary>
    WrongHeap,

    /// <summary>The block was handed back with another size or order than it was allocated with.</summary>
    WrongSize,

    /// <summary>Bytes outside the block were written (red zone damaged).</summary>
    Overrun,

    /// <summary>A freed block was written (poison damaged).</summary>
    UseAfterFree,

    /// <summary>Blocks were still allocated when their heap was disposed.</summary>
    Leak,

    /// <summary>A handle was used whose object is freed.</summary>
    StaleHandle,

    /// <summary>A handle was used that the pool did not give out.</summary>
    ForeignHandle,
}
