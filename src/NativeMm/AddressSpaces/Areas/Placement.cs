namespace NativeMm.AddressSpaces;

/// <summary>How the place of a new area is found.</summary>
internal enum Placement
{
    /// <summary>The lowest hole at or above the hint that is large enough, or else the lowest of all.</summary>
    Anywhere,

    /// <summary>Where it is said, and what is there goes.</summary>
    Fixed,

    /// <summary>Where it is said, or not at all.</summary>
    FixedNoReplace,
}
