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
    private long _frames;
    private long _refusedPieces;

    /// <summary>Cuts the work.</summary>
    /// <param name="allocator">Whose pieces they are.</param>
    /// <param name="count">How many pieces.</param>
    /// <param name="helpers">Threads beside the purging one.</param>
    /// <param name="batch">Pieces that go back in one hold of the lock of the free space; 0 for all.</param>
    /// <param name="pagesBeforeRelease">Pages that go back in the first hold at least, of all shares together.</param>
    public PurgeWork(VmapAllocator allocator, int count, int helpers, int batch, long pagesBeforeRelease)
    {
        _allocator = allocator;
        _count = count;
        _shares = int.Min(helpers + 1, count);
        _batch = batch;
        _pagesBeforeRelease = pagesBeforeRelease / _shares;
    }

    /// <summary>Does all of it and waits for shares that helpers are at.</summary>
    public PurgeYield Run()
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

        return new PurgeYield(Atomic.LoadAcquire(ref _pages), Atomic.LoadAcquire(ref _frames), Atomic.LoadAcquire(ref _refusedPieces));
    }

    private void TakeShares()
    {
        int number;
        while ((number = Atomic.Add(ref _claimed, 1) - 1) < _shares)
        {
            int first = (int)((long)_count * number / _shares);
            int end = (int)((long)_count * (number + 1) / _shares);
            try
            {
                PurgeYield share = _allocator.PurgePieces(first, end - first, _batch, _pagesBeforeRelease);
                Atomic.Add(ref _pages, share.Pages);
                Atomic.Add(ref _frames, share.Frames);
                Atomic.Add(ref _refusedPieces, share.RefusedPieces);
            }
            finally
            {
                Atomic.Add(ref _finished, 1);
            }
        }
    }
}
