using NativeMm.Primitives;

namespace NativeMm.Vmap;

/// <summary>
/// The pieces of one purge, cut into shares that the purging thread and its helpers claim one by one. Whoever claimed a share finishes it; helpers
/// that come too late find none left.
/// </summary>
internal sealed class PurgeWork
{
    private readonly VmapAllocator _allocator;
    private readonly int _count;
    private readonly int _shares;
    private readonly int _batch;
    private readonly long _pagesBeforeRelease;
    private int _claimed;
    private int _finished;
    private long _pages;

    /// <summary>Cuts the work.</summary>
    /// <param name="allocator">Whose pieces they are.</param>
    /// <param name="count">How many pieces.</param>
    /// <param name="helpers">Threads beside the purging one.</param>
    /// <param name="batch">Pieces between two releases of the lock of the free space; 0 for none.</param>
    /// <param name="pagesBeforeRelease">Pages before the first release.</param>
    public PurgeWork(VmapAllocator allocator, int count, int helpers, int batch, long pagesBeforeRelease)
    {
        _allocator = allocator;
        _count = count;
        _shares = int.Min(helpers + 1, count);
        _batch = batch;
        _pagesBeforeRelease = pagesBeforeRelease / _shares;
    }

    /// <summary>Does all of it and waits for shares that helpers are at.</summary>
    /// <returns>Pages that became free.</returns>
    public long Run()
    {
        for (int helper = 1; helper < _shares; helper++)
        {
            ThreadPool.UnsafeQueueUserWorkItem(static work => work.TakeShares(), this, preferLocal: false);
        }

        TakeShares();
        var backoff = default(Backoff);
        while (Atomic.LoadAcquire(ref _finished) < _shares)
        {
            backoff.Wait();
        }

        return Atomic.LoadAcquire(ref _pages);
    }

    private void TakeShares()
    {
        int share;
        while ((share = Atomic.Add(ref _claimed, 1) - 1) < _shares)
        {
            int first = (int)((long)_count * share / _shares);
            int end = (int)((long)_count * (share + 1) / _shares);
            try
            {
                Atomic.Add(ref _pages, _allocator.PurgePieces(first, end - first, _batch, _pagesBeforeRelease));
            }
            finally
            {
                Atomic.Add(ref _finished, 1);
            }
        }
    }
}
