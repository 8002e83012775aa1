namespace NativeMm.AddressSpaces;

/// <summary>A page that is about to leave.</summary>
internal struct LeavingPage
{
    /// <summary>Its number in the policy.</summary>
    public uint Number;

    /// <summary>The page.</summary>
    public ulong Page;

    /// <summary>The entry while it is leaving.</summary>
    public LeafEntry Entry;

    /// <summary>A slot that was got for it, or 0.</summary>
    public ulong Slot;

    /// <summary>What becomes of it.</summary>
    public LeavingKind Kind;
}
