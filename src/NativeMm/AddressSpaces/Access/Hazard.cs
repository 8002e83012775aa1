namespace NativeMm.AddressSpaces;

/// <summary>
/// A word of an <see cref="AccessSlot"/>: bits 0 to 34 the page, bit 35 that all 2 MiB around it are meant, bits 36 to 63 the space. Spaces count from 1, so
/// no hazard is 0.
/// </summary>
internal readonly record struct Hazard(ulong Word)
{
    /// <summary>Where the number of the space begins.</summary>
    public const int SpaceShift = 36;

    /// <summary>Set when all pages of the leaf table are meant.</summary>
    public const ulong WholeLeaf = 1UL << 35;

    private const ulong PageMask = WholeLeaf - 1;
    private const int LeafShift = 9;

    /// <summary>The page.</summary>
    public ulong Page => Word & PageMask;

    /// <summary>The space, as it stands in the word.</summary>
    public ulong Key => Word >> SpaceShift << SpaceShift;

    /// <summary>First page that is meant.</summary>
    public ulong First => (Word & WholeLeaf) != 0 ? Page >> LeafShift << LeafShift : Page;

    /// <summary>The page behind the last one that is meant.</summary>
    public ulong End => (Word & WholeLeaf) != 0 ? ((Page >> LeafShift) + 1) << LeafShift : Page + 1;

    /// <summary>Whether it means any page of a range.</summary>
    public bool Touches(ulong first, ulong end) => First < end && End > first;
}
