namespace NativeMm.Platform;

/// <summary>A run of addresses.</summary>
/// <param name="Address">First byte.</param>
/// <param name="Bytes">Length in bytes.</param>
internal readonly record struct AddressRange(nuint Address, nuint Bytes)
{
    /// <summary>The pages that lie in the run as a whole: what can be discarded without taking a neighbour's bytes along. Empty if there is none.</summary>
    /// <param name="pageBytes">Size of a page, a power of two.</param>
    public AddressRange WholePages(nuint pageBytes)
    {
        nuint from = (Address + pageBytes - 1) & ~(pageBytes - 1);
        nuint to = (Address + Bytes) & ~(pageBytes - 1);
        return from < to ? new AddressRange(from, to - from) : default;
    }
}
