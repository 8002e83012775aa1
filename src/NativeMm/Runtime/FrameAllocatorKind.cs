namespace NativeMm.Runtime;

/// <summary>The frame allocators to choose from.</summary>
public enum FrameAllocatorKind
{
    /// <summary>No locks; scales with cores. <see cref="Frames.LockFreeFrameAllocator"/>.</summary>
    LockFree,

    /// <summary>Linux's buddy system under one lock, with per-core lists. <see cref="Frames.BuddyFrameAllocator"/>.</summary>
    Buddy,
}
