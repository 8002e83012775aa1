using System.Diagnostics;
using NativeMm.AddressSpaces;

namespace NativeMm.Buffers;

/// <content>Counting.</content>
public sealed partial class PagedMemory
{
    /// <summary>Counts. Cheap; exact at rest.</summary>
    /// <returns>The figures, a copy that does not change any more.</returns>
    /// <exception cref="ObjectDisposedException">The memory is disposed.</exception>
    public PagedMemoryStatistics GetStatistics()
    {
        ThrowIfDisposed();
        SwapStatistics swap = _swap.GetStatistics();
        ReclaimStatistics reclaim = _space.GetReclaimStatistics();
        FaultStatistics faults = _space.GetFaultStatistics();
        return new PagedMemoryStatistics
        {
            Length = Length,
            Elapsed = Stopwatch.GetElapsedTime(_start),
            ResidentBytes = reclaim.ResidentPages * PageBytes,
            CompressedPageBytes = swap.CompressedPages * PageBytes,
            CompressedBytes = swap.CompressedBytes,
            FilePageBytes = swap.FilePages * PageBytes,
            FileBytes = swap.FileBytes,
            Faults = faults.Successes + faults.Classic,
            PagesIn = faults.SwapIns,
            PagesOut = reclaim.Evicted,
            Prefetched = _prefetcher.Fetched,
            Accesses = _accesses?.Read() ?? 0,
            Stalled = _swap.Stalled,
            FailedLoads = swap.FailedLoads,
            LastWriteErrno = swap.LastStoreErrno,
        };
    }
}
