namespace NativeMm.AddressSpaces;

/// <content>Areas that come.</content>
public sealed partial class AddressSpace
{
    /// <summary>Maps an area that reads as zero.</summary>
    /// <param name="length">Length in bytes, rounded up to pages of 4 KiB.</param>
    /// <param name="protection">What may be done with it.</param>
    /// <param name="flags">Wishes.</param>
    /// <param name="address">Where, or 0.</param>
    /// <returns>The first address.</returns>
    public long Map(long length, Protection protection, MapFlags flags = MapFlags.None, long address = 0)
    {
        _ = length;
        _ = protection;
        _ = flags;
        _ = address;
        throw new NotImplementedException(_layout.ToString());
    }
}
