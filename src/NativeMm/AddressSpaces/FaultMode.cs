namespace NativeMm.AddressSpaces;

/// <summary>How a fault looks at the layout.</summary>
public enum FaultMode
{
    /// <summary>Without a lock on the address space; what was seen is looked at again before a page is installed, and any doubt falls back to the other mode.</summary>
    Speculative,

    /// <summary>Under the address space's lock, as a reader.</summary>
    Classic,
}
