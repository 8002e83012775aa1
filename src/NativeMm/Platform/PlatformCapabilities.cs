namespace NativeMm.Platform;

/// <summary>What an operating system can do beyond handing out memory.</summary>
[Flags]
internal enum PlatformCapabilities
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>Pages can be given back while their addresses stay reserved.</summary>
    Discard = 1,

    /// <summary>Discarded pages read as zero afterwards.</summary>
    DiscardZeroes = 2,

    /// <summary>The same frame can appear at several addresses.</summary>
    MapTwice = 4,

    /// <summary>A mapping can grow, moving if it must, without copying.</summary>
    Remap = 8,

    /// <summary>Resident pages of a range can be counted.</summary>
    CountResident = 16,

    /// <summary>A reservation can be given back piece by piece, and neighbours with one call.</summary>
    Pieces = 32,

    /// <summary>Pages of one area are given back under the area's own lock: who maps memory meanwhile does not wait.</summary>
    DiscardByArea = 64,
}
