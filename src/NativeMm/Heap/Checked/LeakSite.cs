namespace NativeMm.Heap.Checked;

/// <summary>Blocks of a leak report that were allocated at one place.</summary>
/// <param name="Stack">Call stack of the allocation, innermost first; null when it was not sampled (then the site gathers blocks of one size).</param>
/// <param name="Blocks">Number of blocks.</param>
/// <param name="Bytes">Their bytes together, as they were asked for.</param>
public sealed record LeakSite(string? Stack, long Blocks, ulong Bytes);
