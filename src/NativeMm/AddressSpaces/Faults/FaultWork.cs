namespace NativeMm.AddressSpaces;

/// <summary>What it takes to make an access possible that did not hit.</summary>
internal enum FaultWork
{
    /// <summary>Nothing: the entry allows it.</summary>
    None,

    /// <summary>Flags of the entry.</summary>
    Flags,

    /// <summary>The zero page.</summary>
    MapZero,

    /// <summary>A frame of zeros.</summary>
    NewZero,

    /// <summary>A frame filled with the value in the entry.</summary>
    NewFilled,

    /// <summary>A frame with a copy of the page.</summary>
    Copy,

    /// <summary>A frame that the swap loads.</summary>
    Load,

    /// <summary>Somebody moves the page.</summary>
    Wait,
}
