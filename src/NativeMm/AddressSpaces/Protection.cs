namespace NativeMm.AddressSpaces;

/// <summary>What may be done with the pages of an area. Whoever may write may read.</summary>
public enum Protection
{
    /// <summary>Nothing: the addresses are taken, and every access is an error (<c>PROT_NONE</c>).</summary>
    None,

    /// <summary>Read.</summary>
    Read,

    /// <summary>Read and write.</summary>
    ReadWrite,
}
