using NativeMm.Platform;

namespace NativeMm.Vmap;

/// <summary>What a free space or a lazy set is made for.</summary>
/// <param name="Platform">Where its bookkeeping comes from.</param>
/// <param name="FirstPage">Page number of the window's begin, counted from address 0: alignments are of addresses.</param>
/// <param name="Pages">Pages of the window.</param>
/// <param name="RangesMax">Most pieces that the window can be in.</param>
internal readonly record struct FreeSpaceGeometry(IMemoryPlatform Platform, nuint FirstPage, uint Pages, uint RangesMax);
