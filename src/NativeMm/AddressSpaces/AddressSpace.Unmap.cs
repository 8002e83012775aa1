using NativeMm.Teardown;

namespace NativeMm.AddressSpaces;

/// <content>Areas that go.</content>
public sealed partial class AddressSpace
{
    /// <summary>
    /// Unmaps whatever is mapped in a range, also parts of areas; where nothing is mapped, nothing happens. Allocates no managed memory. It fails
    /// only where it cuts an area and there is no memory for the other half. What is populated above <see cref="TeardownOptions.InlineFloorBytes"/> is given back without the
    /// lock of the space, by several threads if they bring something; when this returns, it has been.
    /// </summary>
    /// <param name="address">First byte, a multiple of 4096.</param>
    /// <param name="length">Length in bytes, 1 or more, rounded up to pages of 4096.</param>
    /// <exception cref="ArgumentException">The address or the length is not allowed.</exception>
    /// <exception cref="InvalidOperationException">Cutting an area would make more than <see cref="AddressSpaceOptions.AreasMax"/>.</exception>
    /// <exception cref="OutOfMemoryException">Cutting an area needs memory that there is not.</exception>
    /// <exception cref="ObjectDisposedException">The space is disposed.</exception>
    public void Unmap(long address, long length)
    {
        VpnRange range = AddressCheck.Range(address, length);
        if (length > _inlineFloorBytes)
        {
            UnmapMuch(range);
            return;
        }

        LayoutFault.ThrowUnlessDone(nameof(Unmap), range, _layout.Unmap(range), Options);
    }
}
