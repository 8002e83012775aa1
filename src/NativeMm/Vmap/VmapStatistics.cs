using NativeMm.Diagnostics;
using NativeMm.Frames;
using NativeMm.Reporting;

namespace NativeMm.Vmap;

/// <summary>
/// Where the pages of a <see cref="VmapAllocator"/> are. Exact at rest, approximate while others work. At rest
/// <c>window = free + busy + lazy + pooled + blocks</c>.
/// </summary>
public sealed record VmapStatistics
{
    /// <summary>Pages of the whole window.</summary>
    public required long WindowPages { get; init; }

    /// <summary>Pages that nobody has and nothing is mapped at.</summary>
    public required long FreePages { get; init; }

    /// <summary>Pages in the hands of the program, guard pages among them.</summary>
    public required long BusyPages { get; init; }

    /// <summary>Freed pages that wait for a purge, or are being unmapped at this moment.</summary>
    public required long LazyPages { get; init; }

    /// <summary>Freed pieces that wait for a purge; ranges that touch are one.</summary>
    public required long LazyPieces { get; init; }

    /// <summary>Pages from the first freed piece to the last, what lies between them included: how scattered they are.</summary>
    public required long LazySpanPages { get; init; }

    /// <summary>Most freed pages that ever waited for a purge.</summary>
    public required long LazyPagesPeak { get; init; }

    /// <summary>Freed pages that the cores keep mapped for reuse.</summary>
    public required long PooledPages { get; init; }

    /// <summary>Pages of the blocks that short-lived maps are cut from.</summary>
    public required long BlockPages { get; init; }

    /// <summary>Maximal pieces of free address space.</summary>
    public required long FreeRanges { get; init; }

    /// <summary>The most pages that one range could have.</summary>
    public required long LargestFreePages { get; init; }

    /// <summary>Mappings in use, counted from above: the system may merge some.</summary>
    public required long MappingsInUse { get; init; }

    /// <summary>Mappings that may be used.</summary>
    public required long MappingsMax { get; init; }

    /// <summary>Ranges handed out since the start.</summary>
    public required long Allocations { get; init; }

    /// <summary>Ranges taken back since the start.</summary>
    public required long Frees { get; init; }

    /// <summary>Ranges handed out of a pool, without a system call.</summary>
    public required long PoolHits { get; init; }

    /// <summary>System calls that mapped something.</summary>
    public required long MapCalls { get; init; }

    /// <summary>System calls that unmapped something.</summary>
    public required long UnmapCalls { get; init; }

    /// <summary>Calls that had to hide a piece by guards because the table of mappings was full.</summary>
    public required long GuardRevokes { get; init; }

    /// <summary>Purges since the start.</summary>
    public required long Purges { get; init; }

    /// <summary>Pieces unmapped by purges.</summary>
    public required long PurgedPieces { get; init; }

    /// <summary>Times that the system refused to unmap a piece, which then waited for the next purge, also above the bound.</summary>
    public required long RefusedPieces { get; init; }

    /// <summary>Frees that were slowed down or purged by themselves because the bound was near.</summary>
    public required long ThrottledFrees { get; init; }

    /// <summary>Purges and passes of the background thread that ended with an exception. The thread goes on with the next one.</summary>
    public required long PurgeFailures { get; init; }

    /// <summary>What the last of them said, or null.</summary>
    public required string? LastPurgeFailure { get; init; }

    /// <summary>What the reporter of the frames did.</summary>
    public required ReporterStatistics Reporting { get; init; }

    /// <summary>What the lock of the free space recorded, or null unless <see cref="VmapOptions.LockStatistics"/> is set.</summary>
    public LockStatisticsSnapshot? FreeSpaceLock { get; init; }

    /// <summary>The frames below.</summary>
    public required FrameStatistics Frames { get; init; }
}
