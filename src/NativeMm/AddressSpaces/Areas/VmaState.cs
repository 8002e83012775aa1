namespace NativeMm.AddressSpaces;

/// <summary>
/// The state word of a record: bit 0 says detached, the bits above count how often the record was taken. Pure transitions; two states are equal only
/// if they are of the same area at the same time of its life.
/// </summary>
internal readonly record struct VmaState(ulong Value)
{
    private const ulong DetachedBit = 1;

    /// <summary>Whether the layout has changed here since the record was published, so that nothing may be installed by it any more.</summary>
    public bool IsDetached => (Value & DetachedBit) != 0;

    /// <summary>How often the record was taken.</summary>
    public ulong Generation => Value >> 1;

    /// <summary>The state of an area that leaves the layout or is replaced in it.</summary>
    public VmaState Detach() => new(Value | DetachedBit);

    /// <summary>The state of the next area that has the record. A record that nobody has is detached.</summary>
    public VmaState Take() => new((Generation + 1) << 1);
}
