namespace NativeMm.Vmap;

/// <summary>What a range was made by.</summary>
public enum VmapAreaKind
{
    /// <summary><see cref="VmapAllocator.Alloc"/>: the range has frames of its own.</summary>
    Alloc,

    /// <summary><see cref="VmapAllocator.Map"/>: the frames belong to somebody else, the range only counts on them.</summary>
    Map,

    /// <summary><see cref="VmapAllocator.AllocPerCore"/>: one unit a core.</summary>
    PerCore,

    /// <summary>A block of a core that <see cref="VmapAllocator.MapRam"/> cuts from.</summary>
    Block,
}
