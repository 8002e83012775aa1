namespace NativeMm.Platform;

/// <summary>Sums over all mappings of the process, counted page by page, in bytes, from <c>/proc/self/smaps_rollup</c>.</summary>
/// <param name="Resident">In memory (<c>Rss</c>).</param>
/// <param name="Proportional">The same, shared pages divided by their users (<c>Pss</c>).</param>
/// <param name="PrivateDirty">Written pages that nobody else has (<c>Private_Dirty</c>).</param>
/// <param name="Anonymous">Pages without a file (<c>Anonymous</c>).</param>
/// <param name="HugePages">Anonymous memory in huge pages (<c>AnonHugePages</c>).</param>
/// <param name="LazyFree">Given up with <c>MADV_FREE</c> but not taken yet (<c>LazyFree</c>).</param>
/// <param name="Swap">Swapped out (<c>Swap</c>).</param>
internal readonly record struct ProcessMemoryRollup(
    ulong Resident, ulong Proportional, ulong PrivateDirty, ulong Anonymous, ulong HugePages, ulong LazyFree, ulong Swap);
