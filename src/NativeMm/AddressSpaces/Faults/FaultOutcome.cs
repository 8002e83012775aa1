namespace NativeMm.AddressSpaces;

/// <summary>How an attempt to resolve a fault ends. The first ones are what <see cref="FaultStatistics"/> counts, in this order.</summary>
internal enum FaultOutcome
{
    /// <summary>The access can be made.</summary>
    Resolved,

    /// <summary>Somebody else had the lock of the leaf.</summary>
    PteLock,

    /// <summary>The area was changed, or is just being changed.</summary>
    VmaChanged,

    /// <summary>There is no table for the page, and none without asking others for memory.</summary>
    NoAnon,

    /// <summary>It takes a wait: for memory, or for whoever moves the page.</summary>
    NotSupported,

    /// <summary>The area does not allow the access.</summary>
    Access,

    /// <summary>The table was taken out, or is just being collapsed.</summary>
    PmdChanged,

    /// <summary>There was no area, or no permit.</summary>
    NotAttempted,

    /// <summary>There is no frame without asking others for memory.</summary>
    NoFrame,

    /// <summary>The space has as many pages in memory as it may have.</summary>
    NoRoom,

    /// <summary>Somebody moves the page.</summary>
    Wait,

    /// <summary>The page cannot be brought back.</summary>
    LoadFailed,
}
