namespace NativeMm.AddressSpaces;

/// <summary>Whose a frame is after somebody let it go.</summary>
internal enum FrameRest
{
    /// <summary>Others refer to it, or its block does: it is not touched any more.</summary>
    InUse,

    /// <summary>Nobody refers to it: whoever let it go frees it.</summary>
    Unused,

    /// <summary>Nobody refers to it, and it is of a block: whoever let it go counts it there.</summary>
    UnusedOfBlock,
}
