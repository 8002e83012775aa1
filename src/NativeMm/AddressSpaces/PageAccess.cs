namespace NativeMm.AddressSpaces;

/// <summary>What an access wants to do with a page.</summary>
public enum PageAccess
{
    /// <summary>Read it.</summary>
    Read,

    /// <summary>Write it.</summary>
    Write,
}
