namespace NativeMm.AddressSpaces;

/// <summary>What <see cref="AddressSpace.Remap"/> may do.</summary>
[Flags]
public enum RemapFlags
{
    /// <summary>Grow or shrink where it is; refused when there is no room behind.</summary>
    None = 0,

    /// <summary>Move when there is no room behind (<c>MREMAP_MAYMOVE</c>).</summary>
    MayMove = 1,

    /// <summary>Move to exactly the new address; what is mapped there is unmapped first (<c>MREMAP_FIXED</c>). Needs <see cref="MayMove"/>.</summary>
    Fixed = 2,

    /// <summary>
    /// The pages move, the area stays, empty (<c>MREMAP_DONTUNMAP</c>). Needs <see cref="MayMove"/> and an unchanged length.
    /// </summary>
    KeepSource = 4,
}
