namespace NativeMm.AddressSpaces;

/// <summary>What is to become of a range of the layout: what is there goes, or something takes its place, or it changes.</summary>
/// <param name="Range">The pages.</param>
/// <param name="Placed">The area that comes, or null.</param>
/// <param name="Change">What changes in the areas that are there, or null.</param>
/// <param name="Joins">Whether neighbours may merge with it.</param>
internal readonly record struct AreaIntent(VpnRange Range, AreaSpec? Placed, AreaChange? Change, bool Joins)
{
    /// <summary>What is mapped in a range goes.</summary>
    public static AreaIntent Remove(VpnRange range) => new(range, null, null, Joins: false);

    /// <summary>An area comes, and what is mapped in its range goes.</summary>
    public static AreaIntent Place(AreaSpec area) => new(area.Pages, area, null, Joins: true);

    /// <summary>The areas of a range change.</summary>
    public static AreaIntent Modify(VpnRange range, AreaChange change) => new(range, null, change, Joins: true);
}
