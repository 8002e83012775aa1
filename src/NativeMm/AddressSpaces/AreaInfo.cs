namespace NativeMm.AddressSpaces;

/// <summary>One area as <see cref="AddressSpace.GetAreas"/> shows it: a line of <c>/proc/self/maps</c>.</summary>
/// <param name="Address">First byte.</param>
/// <param name="Length">Length in bytes.</param>
/// <param name="Protection">What may be done with it.</param>
/// <param name="Flags"><see cref="MapFlags.GrowsDown"/> and <see cref="MapFlags.HugePages"/> as they are in force.</param>
public readonly record struct AreaInfo(long Address, long Length, Protection Protection, MapFlags Flags)
{
    /// <summary>The address behind the last byte.</summary>
    public long End => Address + Length;

    /// <inheritdoc/>
    public override string ToString() => $"0x{Address:x}–0x{End:x} {Protection}{(Flags == MapFlags.None ? "" : $" {Flags}")}";
}
