namespace NativeMm.Heap.Checked;

/// <summary>What a checked heap holds. Bytes are as asked for; quarantined bytes include red zones and padding.</summary>
/// <param name="LiveBlocks">Blocks that are allocated.</param>
/// <param name="LiveBytes">Bytes in them.</param>
/// <param name="QuarantinedBlocks">Freed blocks that are kept back and watched.</param>
/// <param name="QuarantinedBytes">Bytes that they keep from being used again.</param>
/// <param name="TotalAllocations">Allocations since the heap was made.</param>
/// <param name="SampledStacks">Of these, how many had their call stack recorded.</param>
public readonly record struct CheckedStatistics(
    long LiveBlocks,
    ulong LiveBytes,
    long QuarantinedBlocks,
    ulong QuarantinedBytes,
    long TotalAllocations,
    long SampledStacks);
