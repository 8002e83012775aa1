using System.Runtime.InteropServices;
using NativeMm.AddressSpaces;

namespace NativeMm.Lab.Experiments.Faults;

/// <summary>By a lease for each read.</summary>
/// <param name="space">The space.</param>
/// <param name="address">First byte.</param>
internal readonly struct LeasePath(AddressSpace space, long address) : IAccessPath
{
    private readonly AddressSpace _space = space;
    private readonly long _address = address;

    /// <inheritdoc/>
    public long Read(long offset)
    {
        using ReadLease held = _space.LeaseRead(_address + offset, sizeof(long));
        return MemoryMarshal.Read<long>(held.Span);
    }
}
