using System.Diagnostics.CodeAnalysis;
using NativeMm.Primitives;

namespace NativeMm.Vmap;

/// <summary>
/// Congruent ranges, one a core: what lies at some offset in the unit of one core lies at the same offset in the unit of every other. Give it back by
/// <see cref="VmapAllocator.Free(void*)"/> of <see cref="Address"/>.
/// </summary>
public readonly unsafe struct VmapPerCoreArea
{
    private readonly nuint _address;

    internal VmapPerCoreArea(nuint address, nuint stride, int cores) => (_address, Stride, CoreCount) = (address, stride, cores);

    /// <summary>First byte of the unit of core 0.</summary>
    public void* Address => (void*)_address;

    /// <summary>Bytes between the units of two cores, a multiple of 4 KiB.</summary>
    public nuint Stride { get; }

    /// <summary>Number of units.</summary>
    public int CoreCount { get; }

    /// <summary>First byte of a core's unit.</summary>
    /// <param name="core">A core of a higher number than there are units has the unit of a lower one, by the remainder.</param>
    /// <returns>The address, valid until the area is freed; cores beyond <see cref="CoreCount"/> share the units of the first ones.</returns>
    /// <exception cref="InvalidOperationException">The area is none: it did not come from <see cref="VmapAllocator.AllocPerCore"/>.</exception>
    public void* AddressOf(CoreId core)
    {
        if (CoreCount == 0)
        {
            ThrowNone();
        }

        return (void*)(_address + ((nuint)((uint)core.Value % (uint)CoreCount) * Stride));
    }

    [DoesNotReturn]
    private static void ThrowNone() =>
        throw new InvalidOperationException("The area has 0 units and no address: it did not come from VmapAllocator.AllocPerCore.");
}
