using System.Runtime.InteropServices;
using NativeMm.AddressSpaces;

namespace NativeMm.Lab.Experiments.Faults;

/// <summary>By a pin for each read.</summary>
/// <param name="space">The space.</param>
/// <param name="address">First byte.</param>
internal readonly struct PinPath(AddressSpace space, long address) : IAccessPath
{
    private readonly AddressSpace _space = space;
    private readonly long _address = address;

    /// <inheritdoc/>
    public long Read(long offset)
    {
        using PagePin held = _space.Pin(_address + offset, sizeof(long));
        return MemoryMarshal.Read<long>(held.GetReadOnlySpan(0));
    }
}
