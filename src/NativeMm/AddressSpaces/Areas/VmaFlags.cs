namespace NativeMm.AddressSpaces;

/// <summary>What an area is beside its protection.</summary>
[Flags]
internal enum VmaFlags : ushort
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>Grows down on an access below it.</summary>
    GrowsDown = 1,

    /// <summary>A fault may install 2 MiB, and the collapser looks at it.</summary>
    HugePages = 2,

    /// <summary>Pages may be shared with another space since a fork. Sticky: areas merge whether they have it or not, and the result has it.</summary>
    Forked = 4,

    /// <summary>Never merges, as the kernel's special areas.</summary>
    Special = 8,

    /// <summary>Its owner is told when it goes: it may grow by a merge, and is never swallowed by one (the kernel's close hook).</summary>
    Owned = 16,
}
