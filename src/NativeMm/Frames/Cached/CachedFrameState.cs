namespace NativeMm.Frames;

/// <summary>Where a single frame is, as far as a <see cref="CachedFrameAllocator"/> knows. One byte a frame.</summary>
internal enum CachedFrameState : byte
{
    /// <summary>Free in the allocator behind, or taken from it by another way than a stack.</summary>
    Behind,

    /// <summary>Handed out.</summary>
    Out,

    /// <summary>In a thread's stack.</summary>
    Stacked,
}
