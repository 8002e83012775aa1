namespace NativeMm.AddressSpaces;

/// <summary>Wishes that go with <see cref="AddressSpace.Map"/>.</summary>
[Flags]
public enum MapFlags
{
    /// <summary>At the lowest free place at or above the address, which is a hint; pages of 4 KiB.</summary>
    None = 0,

    /// <summary>At exactly the address; what is mapped there is unmapped first (<c>MAP_FIXED</c>).</summary>
    Fixed = 1,

    /// <summary>At exactly the address, and refused when anything is mapped there (<c>MAP_FIXED_NOREPLACE</c>).</summary>
    FixedNoReplace = 2,

    /// <summary>
    /// A stack: an access below the area makes it grow down to there, as long as the gap that guards it from the area below stays free
    /// (<c>MAP_GROWSDOWN</c>).
    /// </summary>
    GrowsDown = 4,

    /// <summary>Pages of 2 MiB where they fit; an address that is chosen is a multiple of 2 MiB when the area is that long.</summary>
    HugePages = 8,
}
