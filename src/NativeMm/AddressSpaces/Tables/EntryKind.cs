namespace NativeMm.AddressSpaces;

/// <summary>What the entry of one page says.</summary>
internal enum EntryKind
{
    /// <summary>Nothing was ever written to the page: it reads as zero where an area allows it.</summary>
    Empty,

    /// <summary>The page is in a frame.</summary>
    Frame,

    /// <summary>The page was read and never written: it is the zero page that all share.</summary>
    Zero,

    /// <summary>The page repeats one value of 32 bits, which is in the entry.</summary>
    SameFilled,

    /// <summary>The page is in a slot of the swap.</summary>
    Swapped,
}
