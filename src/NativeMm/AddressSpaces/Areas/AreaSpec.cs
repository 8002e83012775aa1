namespace NativeMm.AddressSpaces;

/// <summary>What an area is, without who it is: two areas with the same spec are two areas all the same.</summary>
/// <param name="Pages">Its pages.</param>
/// <param name="Protection">What may be done with them.</param>
/// <param name="Flags">What it is beside that.</param>
internal readonly record struct AreaSpec(VpnRange Pages, Protection Protection, VmaFlags Flags)
{
    /// <summary>Flags that two areas may differ in and merge all the same.</summary>
    public const VmaFlags IgnoredByMerge = VmaFlags.Forked | VmaFlags.Owned;

    /// <summary>Whether an area that begins where this one ends is of the same kind.</summary>
    public bool Continues(AreaSpec next) => Pages.End == next.Pages.Start
        && Protection == next.Protection
        && ((Flags ^ next.Flags) & ~IgnoredByMerge) == 0
        && (Flags & VmaFlags.Special) == 0;

    /// <summary>The same area with other pages.</summary>
    public AreaSpec Over(ulong start, ulong end) => this with { Pages = new VpnRange(start, end) };
}
