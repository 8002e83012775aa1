using System.Diagnostics;
using NativeMm.Diagnostics;
using NativeMm.Primitives;
using NativeMm.Reporting;

namespace NativeMm.Vmap;

/// <content>Purging: unmap first, then give the frames up, then the addresses.</content>
public sealed unsafe partial class VmapAllocator
{
    private const int PoolDecay = 4;
    private const int HelpersMax = 15;

    private SleepLock _purgeLock;

    // Held over a pass of idle time, so that a validation finds none under way. Before the purge lock.
    private SleepLock _passLock;
    private long _purges;
    private long _purgedPieces;
    private long _refusedPieces;
    private long _madeSeen;
    private long _trimmedAt;

    /// <summary>
    /// Unmaps every range that waits for it, and waits for a purge that runs already. Afterwards no frame that was given up is mapped any more.
    /// </summary>
    /// <param name="pools">Whether the ranges that the cores keep for reuse go too.</param>
    /// <returns>Pages of address space that became free, guard pages among them.</returns>
    /// <exception cref="ObjectDisposedException">The allocator is disposed.</exception>
    public ulong Purge(bool pools = false)
    {
        using EndGate.Visit inside = _end.Visiting(this);
        return (ulong)(pools ? PurgeEverything() : PurgeAndWait()).Pages;
    }

    /// <summary>The work of the background thread: until the trigger is not pulled any more.</summary>
    internal void PurgeInBackground()
    {
        while (PurgeAndWait().Pages != 0 && Options.Purge.IsDue(LazyPages, _lazy.Pieces, _lazyPagesMax))
        {
        }
    }

    /// <summary>
    /// A pass of idle time: each pool that nobody took from since the last pass gives a quarter up, at least one range of each size; then, and when no
    /// range was made since the last pass, what is lazy is unmapped. The reporter finds the frames that become free.
    /// </summary>
    internal void TrimIdle()
    {
        using (_passLock.EnterScope())
        using (_purgeLock.EnterScope())
        {
            long made = Atomic.LoadAcquire(ref _made);
            bool idle = made == _madeSeen;
            _madeSeen = made;
            PurgeYield alone = default;
            int moved = DecayIdlePools(ref alone);
            if (_canMap && (moved != 0 || idle))
            {
                RetireFragmented(ref alone);
                PurgeLocked();
            }
        }
    }

    /// <summary>The passes of an allocator that makes its own: of idle time, once an interval, and the reporter's for as long as it has something to do.</summary>
    /// <param name="interval">Time from one pass of idle time to the next.</param>
    /// <returns>Time to the next call.</returns>
    internal TimeSpan PassIdle(TimeSpan interval)
    {
        if (Stopwatch.GetElapsedTime(_trimmedAt) >= interval)
        {
            _trimmedAt = Stopwatch.GetTimestamp();
            TrimIdle();
        }

        PollReporter();
        bool rests = _reporter.GetStatistics().State == ReporterState.Idle;
        TimeSpan pass = _reporter.Options.PassInterval;
        return rests || pass > interval ? interval : pass;
    }

    /// <summary>Whether no range was made since the last pass of idle time, and nothing is kept that another pass would take.</summary>
    internal bool IsAtRest => Atomic.LoadAcquire(ref _made) == _madeSeen && LazyPages == 0 && CountPools().Pages == 0;

    /// <summary>Whether the reporter of the zone has nothing to look for.</summary>
    internal bool ReporterIsAtRest => _reporter.IsAtRest;

    private int DecayIdlePools(ref PurgeYield alone)
    {
        Invariant.Assert(_passLock.IsHeldByCurrentThread && _purgeLock.IsHeldByCurrentThread, "Idle pools are looked at without the locks of a pass and of purges.");
        int moved = 0;
        for (int core = 0; core <= _poolMask; core++)
        {
            VmapPool* pool = &_pools[core];
            long hits = Atomic.LoadAcquire(ref pool->Hits);
            moved += hits == pool->HitsSeen ? DecayPool(pool, roundUp: true, PoolDecay, ref alone) : 0;
            pool->HitsSeen = hits;
        }

        return moved;
    }

    /// <summary>Purges unless somebody is at it.</summary>
    private bool TryPurge()
    {
        if (!_purgeLock.TryEnter())
        {
            return false;
        }

        try
        {
            DecayAndPurge();
            return true;
        }
        finally
        {
            _purgeLock.Exit();
        }
    }

    private PurgeYield PurgeAndWait()
    {
        using (_purgeLock.EnterScope())
        {
            return DecayAndPurge();
        }
    }

    /// <summary>Gives up all pools, all blocks that nobody uses, and everything lazy.</summary>
    private PurgeYield PurgeEverything()
    {
        using (_purgeLock.EnterScope())
        {
            // The pools may hold more than may be outstanding at once, and what is outstanding already takes their room.
            PurgeYield all = PurgeLocked();
            PurgeYield last;
            do
            {
                last = default;
                if (DecayPools(roundUp: true, share: 1, ref last) + RetireFragmented(ref last) != 0)
                {
                    last += PurgeLocked();
                }

                all += last;
            }
            while (last.Pages != 0);
            return all;
        }
    }

    /// <summary>One purge, and the share of the pools and the blocks that goes with each. The caller holds the purge lock.</summary>
    private PurgeYield DecayAndPurge()
    {
        Invariant.Assert(_purgeLock.IsHeldByCurrentThread, "A purge goes on without the purge lock.");
        PurgeYield alone = default;
        DecayPools(roundUp: false, PoolDecay, ref alone);
        RetireFragmented(ref alone);
        return alone + PurgeLocked();
    }

    /// <summary>Takes everything lazy down. The caller holds the purge lock.</summary>
    private PurgeYield PurgeLocked()
    {
        Invariant.Assert(_purgeLock.IsHeldByCurrentThread, "A purge goes on without the purge lock.");
        long outstanding = LazyPages;
        int helpers = HelpersFor(outstanding);

        // Before the set is emptied: what is in the scratch must not be lost for want of managed memory. A free that purges goes on without help.
        PurgeWork? work = helpers == 0 ? null : PurgeWork.TryMake(this, helpers);
        int count = _lazy.Detach(_scratch);
        if (count == 0)
        {
            return default;
        }

        int batch = BatchFor();
        long pagesBeforeRelease = PagesBeforeRelease(outstanding);
        PurgeYield purged = work is null ? PurgePieces(0, count, batch, pagesBeforeRelease) : work.Run(count, batch, pagesBeforeRelease);
        Atomic.Add(ref _purges, 1);
        return purged;
    }

    private int HelpersFor(long outstanding) =>
        Options.Purge.Executor == PurgeExecutor.WorkerPerLazyMax
            ? (int)Math.Clamp((outstanding / _lazyPagesMax) - 1, 0, Math.Min(HelpersMax, Environment.ProcessorCount - 1))
            : 0;

    private int BatchFor() => Options.Purge.LockRelease == PurgeLockRelease.Never ? 0 : Options.Purge.LockReleaseBatch;

    private long PagesBeforeRelease(long outstanding) =>
        Options.Purge.LockRelease == PurgeLockRelease.BelowThreshold ? outstanding - (2 * _lazyPagesMax) : 0;

    /// <summary>Takes detached pieces down, and gives pages and addresses back batch by batch, so that those who wait for either go on early.</summary>
    /// <param name="first">The first of them in the scratch.</param>
    /// <param name="count">How many.</param>
    /// <param name="batch">Pieces that go back in one hold of the lock of the free space; 0 for all.</param>
    /// <param name="pagesBeforeRelease">Pages that go back in the first hold at least.</param>
    internal PurgeYield PurgePieces(int first, int count, int batch, long pagesBeforeRelease)
    {
        Invariant.Assert(first >= 0 && count > 0, $"{count} pieces are purged from number {first}.");
        PageRange* pieces = _scratch + first;
        PurgeYield all = default;
        long pages = 0;
        int done = 0;
        for (int i = 0; i < count; i++)
        {
            PageRange piece = pieces[i];
            if (!TryTakeDown(piece, alone: false, ref all))
            {
                // The system refuses: the piece waits for the next purge, as mapped and as outstanding as before.
                _lazy.Add(piece);
                continue;
            }

            // The pieces that are done move to the front, over those before them that went back or were refused.
            pages += piece.Pages;
            pieces[done++] = piece;
            if (batch != 0 && done >= batch && all.Pages >= pagesBeforeRelease)
            {
                GiveBack(pieces, done, pages);
                (done, pages) = (0, 0);
            }
        }

        GiveBack(pieces, done, pages);
        return all;
    }

    /// <summary>The addresses of pieces that were taken down are anybody's again, and their pages are not outstanding any more.</summary>
    private void GiveBack(PageRange* pieces, int count, long pages)
    {
        if (count != 0)
        {
            // Whoever else wants this core gets it now, and not while the lock is held.
            Thread.Yield();
            _free.GiveMany(pieces, count);
            Atomic.Add(ref _lazyPages, -pages);
            Invariant.Assert(LazyPages >= 0 && pages >= count, $"{count} pieces of {pages} pages were purged, and {LazyPages} are left.");
        }
    }

    /// <summary>Unmaps a piece and gives the frames and records of its ranges up. Its addresses stay with the caller, unless it is one range alone.</summary>
    /// <param name="piece">The piece, of whole ranges.</param>
    /// <param name="alone">
    /// Whether the piece is one range, whose addresses go back here and before its record, so that there are never more pieces of free space than there are
    /// records, but for those that one purge has in its hands.
    /// </param>
    /// <param name="purged">What came of it is added here.</param>
    private bool TryTakeDown(PageRange piece, bool alone, ref PurgeYield purged)
    {
        Invariant.Assert(piece.Pages != 0 && piece.End <= _windowPages, $"Pages {piece.Start} to {piece.End} are taken down, of {_windowPages}.");
        long mappings = 0;
        for (uint page = piece.Start; page < piece.End;)
        {
            VmapArea* area = _areas.Records + _areas.AreaOf[page];
            Invariant.Check(
                area->Start == page && area->State == VmapAreaState.Lazy, $"Page {page} of the lazy piece at {piece.Start} begins no lazy range.");
            mappings += area->Mappings;
            page += area->Pages + area->GuardPages;
        }

        if (!_mapper.TryRevoke(piece, mappings))
        {
            Atomic.Add(ref _refusedPieces, 1);
            purged += new PurgeYield(0, 0, RefusedPieces: 1);
            return false;
        }

        ulong frames = 0;
        for (uint page = piece.Start; page < piece.End;)
        {
            uint record = _areas.AreaOf[page];
            PageRange range = _areas.Records[record].Range;
            Invariant.Assert(range.Start == page && range.End <= piece.End, $"Pages {range.Start} to {range.End} are taken down in the piece from {piece.Start} to {piece.End}.");
            frames += _references.Release(_areas.FrameOf + page, range.Pages);
            _areas.Enter(range, 0);
            if (alone)
            {
                _free.Give(range);
            }

            _areas.Give(record);
            page = range.End;
        }

        Atomic.Add(ref _purgedPieces, 1);
        purged += new PurgeYield(piece.Pages, (long)frames, 0);
        return true;
    }

    /// <summary>Takes a range down that is larger than everything that may be outstanding.</summary>
    /// <param name="record">The range, which is this thread's alone.</param>
    /// <param name="area">Its record.</param>
    /// <param name="purged">What came of it is added here.</param>
    private void PurgeAlone(uint record, VmapArea* area, ref PurgeYield purged)
    {
        Invariant.Assert(
            _areas.AreaOf[area->Start] == record && area->Range.Pages > _lazyPagesBound,
            $"Record {record} of {area->Range.Pages} pages is purged alone; {_lazyPagesBound} may wait.");
        PageRange range = area->Range;
        area->MoveTo(VmapAreaState.Lazy);
        if (TryTakeDown(range, alone: true, ref purged))
        {
            return;
        }

        Invariant.Check(_areas.AreaOf[range.Start] == record, "A range that could not be unmapped lost its record.");
        ReserveLazyRefused(range.Pages);
        _lazy.Add(range);
    }

    /// <summary>Moves a share of each pool's ranges to the lazy set, as far as the bound allows.</summary>
    /// <param name="roundUp">Whether a share of less than one range is one range, or waits until it has added up to one.</param>
    /// <param name="share">One in so many.</param>
    /// <param name="alone">What came of ranges that are longer than the bound, and so never wait, is added here.</param>
    /// <returns>How many ranges.</returns>
    private int DecayPools(bool roundUp, int share, ref PurgeYield alone)
    {
        int moved = 0;
        for (int core = 0; core <= _poolMask; core++)
        {
            moved += DecayPool(&_pools[core], roundUp, share, ref alone);
        }

        return moved;
    }

    private int DecayPool(VmapPool* pool, bool roundUp, int share, ref PurgeYield alone)
    {
        int moved = 0;
        for (uint sizeClass = 0; sizeClass < VmapPool.Classes && Atomic.LoadAcquire(ref pool->Pages) != 0; sizeClass++)
        {
            moved += DecayClass(pool, sizeClass, roundUp, share, ref alone);
        }

        return moved;
    }

    private int DecayClass(VmapPool* pool, uint sizeClass, bool roundUp, int share, ref PurgeYield alone)
    {
        Invariant.Assert(_purgeLock.IsHeldByCurrentThread, $"Stack {sizeClass} of a pool gives up a share without the purge lock.");
        int wanted = roundUp ? (pool->Count(sizeClass) + share - 1) / share : pool->ShareOf(sizeClass, share);
        for (int moved = 0; moved < wanted; moved++)
        {
            pool->Lock.Enter();
            uint record = pool->Head(sizeClass);
            VmapArea* area = _areas.Records + record;
            bool isAlone = record != 0 && area->Range.Pages > _lazyPagesBound;
            bool taken = isAlone || (record != 0 && TryReserveLazy(area->Range.Pages));
            if (taken)
            {
                pool->Pop(sizeClass, area);
                area->MoveTo(VmapAreaState.Lazy);
            }

            // From here on the range is this thread's, until it is in the set.
            pool->Lock.Exit();
            if (!taken)
            {
                return moved;
            }

            if (isAlone)
            {
                PurgeAlone(record, area, ref alone);
            }
            else
            {
                _lazy.Add(area->Range);
            }
        }

        return wanted;
    }
}
