namespace NativeMm.Vmap;

/// <summary>One range as <see cref="VmapAllocator.FindArea"/> and <see cref="VmapAllocator.GetAreas"/> show it: a row of <c>vmallocinfo</c>.</summary>
/// <param name="Address">First byte.</param>
/// <param name="Bytes">Bytes that were asked for; for a range that nobody holds, its readable bytes.</param>
/// <param name="Pages">Readable pages of 4 KiB.</param>
/// <param name="GuardPages">Inaccessible pages behind them that belong to the range, 0 or 1.</param>
/// <param name="Mappings">Pieces of contiguous frames that the range consists of.</param>
/// <param name="Kind">What it was made by.</param>
/// <param name="State">Where it stands in its life.</param>
/// <param name="Flags">The wishes that it was made with.</param>
public readonly record struct VmapAreaInfo(
    nuint Address, nuint Bytes, uint Pages, uint GuardPages, uint Mappings, VmapAreaKind Kind, VmapAreaState State, VmapFlags Flags);
