namespace NativeMm.Vmap;

/// <summary>Where a range stands in its life.</summary>
public enum VmapAreaState
{
    /// <summary>Nobody's: the record is free, or the range is being made or taken down at this moment.</summary>
    None,

    /// <summary>In the hands of the program.</summary>
    Busy,

    /// <summary>Freed, in a pool of a core, still mapped and with its frames.</summary>
    Pooled,

    /// <summary>Freed, still mapped, waits for the next purge.</summary>
    Lazy,

    /// <summary>A block of a core that short-lived small maps are cut from.</summary>
    Block,
}
