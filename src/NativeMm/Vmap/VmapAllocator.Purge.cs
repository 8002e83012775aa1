using NativeMm.Diagnostics;
using NativeMm.Primitives;

namespace NativeMm.Vmap;

/// <content>Purging: unmap first, then give the frames up, then the addresses.</content>
public sealed unsafe partial class VmapAllocator
{
    private const int PoolDecay = 4;
    private const int HelpersMax = 15;

    private readonly Lock _purgeLock = new();
    private long _purges;
    private long _purgedPieces;
    private long _refusedPieces;
    private long _madeSeen;

    /// <summary>
    /// Unmaps every range that waits for it, and waits for a purge that runs already. Afterwards no frame that was given up is mapped any more.
    /// </summary>
    /// <param name="pools">Whether the ranges that the cores keep for reuse go too.</param>
    /// <returns>Pages of address space that became free, guard pages among them.</returns>
    public ulong Purge(bool pools = false)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        return (ulong)(pools ? PurgeEverything() : PurgeAndWait());
    }

    /// <summary>The work of the background thread: until the trigger is not pulled any more.</summary>
    internal void PurgeInBackground()
    {
        while (PurgeAndWait() != 0 && Options.Purge.IsDue(LazyPages, _lazy.Pieces, _lazyPagesMax))
        {
        }
    }

    /// <summary>
    /// A pass of idle time, by one caller at a time: each pool that nobody took from since the last pass gives a quarter up, at least one range of each
    /// size; and when no range was made since then, the pages of free frames go back to the system.
    /// </summary>
    /// <returns>Bytes of frames given back.</returns>
    internal ulong TrimIdle()
    {
        int moved = 0;
        for (int core = 0; core <= _poolMask; core++)
        {
            VmapPool* pool = &_pools[core];
            long hits = Atomic.LoadAcquire(ref pool->Hits);
            moved += hits == pool->HitsSeen ? DecayPool(pool, roundUp: true, PoolDecay) : 0;
            pool->HitsSeen = hits;
        }

        long made = Atomic.LoadAcquire(ref _made);
        bool idle = made == _madeSeen;
        _madeSeen = made;
        if (_canMap && (moved != 0 || idle))
        {
            PurgeAndWait();
        }

        return idle ? DiscardFreeFrames() : 0;
    }

    private void TryPurge()
    {
        if (_purgeLock.TryEnter())
        {
            try
            {
                PurgeLocked(PoolDecay);
            }
            finally
            {
                _purgeLock.Exit();
            }
        }
    }

    private long PurgeAndWait()
    {
        lock (_purgeLock)
        {
            return PurgeLocked(PoolDecay);
        }
    }

    /// <summary>Gives up all pools, all blocks that nobody uses, and everything lazy.</summary>
    private long PurgeEverything()
    {
        long pages = 0;
        if (!_canMap)
        {
            return pages;
        }

        lock (_purgeLock)
        {
            bool more;
            do
            {
                // The pools may hold more than may be outstanding at once.
                more = DecayPools(roundUp: true, share: 1) != 0;
                more |= RetireFragmented() != 0;
                long purged = PurgeLocked(decay: 0);
                pages += purged;
                more &= purged != 0;
            }
            while (more);
        }

        return pages;
    }

    /// <summary>One purge. The caller holds the purge lock.</summary>
    /// <param name="decay">Which share of the pools goes: one in so many; 0 for none.</param>
    /// <returns>Pages that became free.</returns>
    private long PurgeLocked(int decay)
    {
        if (decay != 0)
        {
            DecayPools(roundUp: false, decay);
            RetireFragmented();
        }

        long outstanding = LazyPages;
        int count = _lazy.Detach(_scratch);
        if (count == 0)
        {
            return 0;
        }

        var work = new PurgeWork(this, count, HelpersFor(outstanding), BatchFor(), PagesBeforeRelease(outstanding));
        long pages = work.Run();
        Atomic.Add(ref _purges, 1);
        return pages;
    }

    private int HelpersFor(long outstanding) =>
        Options.Purge.Executor == PurgeExecutor.WorkerPerLazyMax
            ? (int)Math.Clamp((outstanding / _lazyPagesMax) - 1, 0, Math.Min(HelpersMax, Environment.ProcessorCount - 1))
            : 0;

    private int BatchFor() => Options.Purge.LockRelease == PurgeLockRelease.Never ? 0 : Options.Purge.LockReleaseBatch;

    private long PagesBeforeRelease(long outstanding) =>
        Options.Purge.LockRelease == PurgeLockRelease.BelowThreshold ? outstanding - (2 * _lazyPagesMax) : 0;

    /// <summary>Takes detached pieces down.</summary>
    /// <param name="first">The first of them in the scratch.</param>
    /// <param name="count">How many.</param>
    /// <param name="batch">Pieces between two releases of the lock of the free space; 0 for none.</param>
    /// <param name="pagesBeforeRelease">Pages before the first release.</param>
    /// <returns>Pages that became free.</returns>
    internal long PurgePieces(int first, int count, int batch, long pagesBeforeRelease)
    {
        PageRange* pieces = _scratch + first;
        int done = 0;
        long pages = 0;
        for (int i = 0; i < count; i++)
        {
            PageRange piece = pieces[i];
            if (TryTakeDown(piece))
            {
                pages += piece.Pages;
                pieces[done++] = piece;
            }
            else
            {
                // The system refuses: the piece waits for the next purge, as mapped and as outstanding as before.
                Atomic.Add(ref _refusedPieces, 1);
                _lazy.Add(piece);
            }
        }

        if (done != 0)
        {
            _free.GiveMany(pieces, done, batch, pagesBeforeRelease);
            Atomic.Add(ref _lazyPages, -pages);
            Atomic.Add(ref _purgedPieces, done);
        }

        return pages;
    }

    /// <summary>Unmaps a piece and gives the frames and records of its ranges up. Its addresses stay with the caller.</summary>
    private bool TryTakeDown(PageRange piece)
    {
        long mappings = 0;
        for (uint page = piece.Start; page < piece.End;)
        {
            VmapArea* area = _areas.Records + _areas.AreaOf[page];
            Invariant.Check(
                area->Start == page && area->State == (uint)VmapAreaState.Lazy, $"Page {page} of the lazy piece at {piece.Start} begins no lazy range.");
            mappings += area->Mappings;
            page += area->Pages + area->GuardPages;
        }

        if (!_mapper.TryRevoke(piece, mappings))
        {
            return false;
        }

        for (uint page = piece.Start; page < piece.End;)
        {
            uint record = _areas.AreaOf[page];
            PageRange range = _areas.Records[record].Range;
            _references.Release(_areas.FrameOf + page, range.Pages);
            _areas.Enter(range, 0);
            _areas.Give(record);
            page = range.End;
        }

        return true;
    }

    /// <summary>Takes a range down that is larger than everything that may be outstanding.</summary>
    private void PurgeAlone(uint record, VmapArea* area)
    {
        PageRange range = area->Range;
        Atomic.StoreRelease(ref area->State, (uint)VmapAreaState.Lazy);
        if (TryTakeDown(range))
        {
            Atomic.Add(ref _purgedPieces, 1);
            _free.Give(range);
            return;
        }

        Invariant.Check(_areas.AreaOf[range.Start] == record, "A range that could not be unmapped lost its record.");
        Atomic.Add(ref _refusedPieces, 1);
        Atomic.Add(ref _lazyPages, range.Pages);
        _lazy.Add(range);
    }

    /// <summary>Moves a share of each pool's ranges to the lazy set, as far as the bound allows.</summary>
    /// <param name="roundUp">Whether a share of less than one range is one range.</param>
    /// <param name="share">One in so many.</param>
    /// <returns>How many ranges.</returns>
    private int DecayPools(bool roundUp, int share = PoolDecay)
    {
        int moved = 0;
        for (int core = 0; core <= _poolMask; core++)
        {
            moved += DecayPool(&_pools[core], roundUp, share);
        }

        return moved;
    }

    private int DecayPool(VmapPool* pool, bool roundUp, int share)
    {
        int moved = 0;
        for (uint sizeClass = 0; sizeClass < VmapPool.Classes && Atomic.LoadAcquire(ref pool->Pages) != 0; sizeClass++)
        {
            moved += DecayClass(pool, sizeClass, roundUp, share);
        }

        return moved;
    }

    private int DecayClass(VmapPool* pool, uint sizeClass, bool roundUp, int share)
    {
        int wanted = (pool->Count(sizeClass) + (roundUp ? share - 1 : 0)) / share;
        for (int moved = 0; moved < wanted; moved++)
        {
            pool->Lock.Enter();
            uint record = pool->Head(sizeClass);
            VmapArea* area = _areas.Records + record;
            bool taken = record != 0 && TryReserveLazy(area->Range.Pages);
            if (taken)
            {
                pool->Pop(sizeClass, area);
                Atomic.StoreRelease(ref area->State, (uint)VmapAreaState.Lazy);
            }

            pool->Lock.Exit();
            if (!taken)
            {
                return moved;
            }

            _lazy.Add(area->Range);
        }

        return int.Max(wanted, 0);
    }
}
