namespace NativeMm.Vmap;

/// <summary>A range that is to be made.</summary>
/// <param name="Kind">By what.</param>
/// <param name="Bytes">Bytes asked for.</param>
/// <param name="Pages">Readable pages.</param>
/// <param name="Flags">Wishes.</param>
/// <param name="AlignPages">Power of two that the page number is a multiple of.</param>
internal readonly record struct RangeWish(VmapAreaKind Kind, nuint Bytes, uint Pages, VmapFlags Flags, nuint AlignPages)
{
    /// <summary>Pages that stay inaccessible behind the range.</summary>
    public uint GuardPages => (Flags & VmapFlags.Guarded) != 0 ? 1u : 0u;
}
