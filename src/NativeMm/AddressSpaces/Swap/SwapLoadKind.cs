namespace NativeMm.AddressSpaces;

/// <summary>What became of the load of a page.</summary>
internal enum SwapLoadKind
{
    /// <summary>The page is what was stored.</summary>
    Loaded,

    /// <summary>The page is not what was stored. Other pages are not concerned.</summary>
    Corrupted,

    /// <summary>The device did not give the page; it may do so later.</summary>
    DeviceFailed,

    /// <summary>Whoever restores the page threw: nothing is known of it, and the next attempt may succeed.</summary>
    CodecFailed,
}
