namespace NativeMm.AddressSpaces;

/// <summary>An area that is to be mapped.</summary>
/// <param name="Pages">Its pages.</param>
/// <param name="Protection">What may be done with them.</param>
/// <param name="Flags">What it is beside that.</param>
/// <param name="Placement">How its place is found.</param>
/// <param name="Page">Its first page, or a hint.</param>
internal readonly record struct MapRequest(ulong Pages, Protection Protection, VmaFlags Flags, Placement Placement, ulong Page);
