using NativeMm.AddressSpaces;

namespace NativeMm.Lab.Experiments.Faults;

/// <summary>By a read of the space.</summary>
/// <param name="space">The space.</param>
/// <param name="address">First byte.</param>
internal readonly struct ReadPath(AddressSpace space, long address) : IAccessPath
{
    private readonly AddressSpace _space = space;
    private readonly long _address = address;

    /// <inheritdoc/>
    public long Read(long offset) => _space.Read<long>(_address + offset);
}
