namespace NativeMm.AddressSpaces;

/// <content>Areas that change.</content>
public sealed partial class AddressSpace
{
    /// <summary>Gives a range another protection. What is taken away is away for every access that begins after this returned; what the pages hold stays.</summary>
    /// <remarks>A lease or a pin that is open keeps what it was opened for.</remarks>
    /// <param name="address">First byte, a multiple of 4096.</param>
    /// <param name="length">Length in bytes, 1 or more, rounded up to pages of 4096.</param>
    /// <param name="protection">What may be done with it from here on.</param>
    /// <exception cref="ArgumentException">The address, the length or the protection is not allowed.</exception>
    /// <exception cref="InvalidOperationException">
    /// A part of the range is not mapped, or cutting an area would make more than <see cref="AddressSpaceOptions.AreasMax"/>.
    /// </exception>
    /// <exception cref="OutOfMemoryException">Cutting an area needs memory that there is not.</exception>
    /// <exception cref="ObjectDisposedException">The space is disposed.</exception>
    public void Protect(long address, long length, Protection protection)
    {
        AddressCheck.Defined(protection);
        VpnRange range = AddressCheck.Range(address, length);
        LayoutFault.ThrowUnlessDone(nameof(Protect), range, _layout.Protect(range, protection), Options);
    }
}
