namespace NativeMm.AddressSpaces;

/// <content>Areas that grow, shrink and move.</content>
public sealed partial class AddressSpace
{
    /// <summary>Gives a range of one area another length, and perhaps another place; what its pages hold goes along.</summary>
    /// <param name="address">First byte, a multiple of 4096.</param>
    /// <param name="oldLength">Its length in bytes, 1 or more, rounded up to pages of 4096.</param>
    /// <param name="newLength">The length that it has afterwards, likewise. What is beyond is unmapped; what is added reads as zero.</param>
    /// <param name="flags">What may be done.</param>
    /// <param name="newAddress">Where it goes with <see cref="RemapFlags.Fixed"/>, a multiple of 4096; else 0.</param>
    /// <returns>Where it is.</returns>
    /// <exception cref="ArgumentException">An address, a length or a combination of flags is not allowed, or the two places overlap.</exception>
    /// <exception cref="InvalidOperationException">
    /// The range is not mapped, or lies in more than one area; or there is no room behind it and it may not move; or there would be more than
    /// <see cref="AddressSpaceOptions.AreasMax"/> areas.
    /// </exception>
    /// <exception cref="OutOfMemoryException">No hole is large enough, or the bookkeeping or the page tables get no memory.</exception>
    /// <exception cref="ObjectDisposedException">The space is disposed.</exception>
    public long Remap(long address, long oldLength, long newLength, RemapFlags flags = RemapFlags.None, long newAddress = 0)
    {
        VpnRange range = AddressCheck.Range(address, oldLength);
        ulong pages = AddressCheck.Pages(newLength, nameof(newLength));
        AddressCheck.Flags(flags, range.Pages == pages);
        ulong target = 0;
        if ((flags & RemapFlags.Fixed) != 0)
        {
            VpnRange destination = AddressCheck.FixedRange(newAddress, pages, nameof(newAddress));
            AddressCheck.Apart(range, destination);
            target = destination.Start;
        }

        int attempts = 0;
        LayoutResult result;
        do
        {
            result = _layout.Remap(range, pages, flags, target);
        }
        while (ShouldRepeat(result, ref attempts));

        // Addresses are wanted for all of the new length.
        VpnRange named = result.Outcome == LayoutOutcome.NoAddresses ? new VpnRange(range.Start, range.Start + pages) : range;
        LayoutFault.ThrowUnlessDone(nameof(Remap), named, result, Options);
        return (long)result.Page << PageShift;
    }
}
