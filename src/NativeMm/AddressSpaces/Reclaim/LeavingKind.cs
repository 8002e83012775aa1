namespace NativeMm.AddressSpaces;

/// <summary>What becomes of a page that was chosen to leave.</summary>
internal enum LeavingKind
{
    /// <summary>It stays: somebody uses it, or there is nowhere to put it.</summary>
    Stays,

    /// <summary>It stays until its content changes: it does not compress.</summary>
    Incompressible,

    /// <summary>It has not changed since it was stored.</summary>
    Clean,

    /// <summary>It repeats one value.</summary>
    SameFilled,

    /// <summary>It is to be stored.</summary>
    Store,

    /// <summary>It is in a slot.</summary>
    Stored,
}
