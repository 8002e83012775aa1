namespace NativeMm.AddressSpaces;

/// <content>Areas that come.</content>
public sealed partial class AddressSpace
{
    /// <summary>Maps an area that reads as zero. A page takes memory when it is first written.</summary>
    /// <param name="length">Length in bytes, 1 or more, rounded up to pages of 4096.</param>
    /// <param name="protection">What may be done with it.</param>
    /// <param name="flags">Wishes.</param>
    /// <param name="address">
    /// With <see cref="MapFlags.Fixed"/> or <see cref="MapFlags.FixedNoReplace"/> where it begins, a multiple of 4096 from <see cref="LowestAddress"/> on; otherwise a hint,
    /// or 0.
    /// </param>
    /// <returns>The first address.</returns>
    /// <exception cref="ArgumentException">A length, an address, a protection or a combination of flags is not allowed.</exception>
    /// <exception cref="InvalidOperationException">
    /// Something is mapped where <see cref="MapFlags.FixedNoReplace"/> wants nothing, or there are <see cref="AddressSpaceOptions.AreasMax"/> areas.
    /// </exception>
    /// <exception cref="OutOfMemoryException">No hole is large enough, or the bookkeeping gets no memory.</exception>
    /// <exception cref="ObjectDisposedException">The space is disposed.</exception>
    public long Map(long length, Protection protection, MapFlags flags = MapFlags.None, long address = 0)
    {
        AddressCheck.Defined(protection);
        AddressCheck.Flags(flags);
        ulong pages = AddressCheck.Pages(length, nameof(length));
        Placement placement = (flags & MapFlags.FixedNoReplace) != 0 ? Placement.FixedNoReplace
            : (flags & MapFlags.Fixed) != 0 ? Placement.Fixed
            : Placement.Anywhere;
        ulong page = placement == Placement.Anywhere
            ? AddressCheck.Hint(address)
            : AddressCheck.FixedRange(address, pages, nameof(address)).Start;
        LayoutResult result = _layout.Map(new MapRequest(pages, protection, FlagsOf(flags), placement, page));
        if (!result.IsDone)
        {
            LayoutFault.Throw(nameof(Map), new VpnRange(page, page + pages), result, Options);
        }

        return (long)result.Page << PageShift;
    }

    private static VmaFlags FlagsOf(MapFlags flags) =>
        ((flags & MapFlags.GrowsDown) != 0 ? VmaFlags.GrowsDown : 0) | ((flags & MapFlags.HugePages) != 0 ? VmaFlags.HugePages : 0);

    private static MapFlags FlagsOf(VmaFlags flags) =>
        ((flags & VmaFlags.GrowsDown) != 0 ? MapFlags.GrowsDown : 0) | ((flags & VmaFlags.HugePages) != 0 ? MapFlags.HugePages : 0);
}
