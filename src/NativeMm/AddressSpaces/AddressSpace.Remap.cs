namespace NativeMm.AddressSpaces;

/// <content>Areas that grow, shrink and move.</content>
public sealed partial class AddressSpace
{
    /// <summary>Makes an area longer or shorter, or moves it.</summary>
    /// <param name="address">First byte.</param>
    /// <param name="oldLength">Its length in bytes.</param>
    /// <param name="newLength">The length that it is to have.</param>
    /// <param name="flags">What may be done.</param>
    /// <param name="newAddress">Where it goes with <see cref="RemapFlags.Fixed"/>.</param>
    /// <returns>Where it is.</returns>
    public long Remap(long address, long oldLength, long newLength, RemapFlags flags = RemapFlags.None, long newAddress = 0)
    {
        _ = address;
        _ = oldLength;
        _ = newLength;
        _ = flags;
        _ = newAddress;
        throw new NotImplementedException(_layout.ToString());
    }
}
