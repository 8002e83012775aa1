namespace NativeMm.Vmap;

/// <summary>Wishes that go with a range of a <see cref="VmapAllocator"/>.</summary>
[Flags]
public enum VmapFlags
{
    /// <summary>Content undefined, no guard page, frames of 4 KiB to 1 MiB as they come.</summary>
    None = 0,

    /// <summary>The range reads as zero.</summary>
    Zeroed = 1,

    /// <summary>The page behind the range is inaccessible: an overrun kills the process instead of damaging a neighbour.</summary>
    Guarded = 2,

    /// <summary>Frames of 2 MiB at addresses of a multiple of 2 MiB, as far as there are any; smaller ones for the rest.</summary>
    Huge = 4,
}
