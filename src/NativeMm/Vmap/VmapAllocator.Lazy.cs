using System.Diagnostics;
using System.Runtime.CompilerServices;
using NativeMm.Diagnostics;
using NativeMm.Primitives;

namespace NativeMm.Vmap;

/// <content>The lazy set: freed ranges that are still mapped, the bound on them, and who is slowed down for it.</content>
public sealed unsafe partial class VmapAllocator
{
    /// <summary>The longest that a free is slowed down, right before the bound.</summary>
    private static readonly long s_slowdownMax = Stopwatch.Frequency / 5000;

    private readonly PurgeWorker? _worker;
    private readonly long _lazyPagesMax;
    private readonly long _lazyPagesBound;
    private long _lazyPages;
    private long _lazyPagesPeak;
    private long _throttledFrees;

    /// <summary>Pages that may be outstanding before a purge is due.</summary>
    internal long LazyPagesMax => _lazyPagesMax;

    /// <summary>Pages that are never exceeded by those outstanding.</summary>
    internal long LazyPagesBound => _lazyPagesBound;

    /// <summary>Pages outstanding at this moment.</summary>
    internal long LazyPages => Atomic.LoadAcquire(ref _lazyPages);

    /// <summary>Adds a range that is private to this thread to the lazy set, and sees to it that somebody purges when that is due.</summary>
    private void AddLazy(uint record, VmapArea* area)
    {
        Invariant.Assert(_canMap && area == _areas.Records + record && record != 0, $"Range {record} of {area->Pages} pages becomes lazy.");
        PageRange range = area->Range;
        if (range.Pages > _lazyPagesBound)
        {
            PurgeYield purged = default;
            PurgeAlone(record, area, ref purged);
            return;
        }

        if (!TryReserveLazy(range.Pages))
        {
            ReserveLazySlow(range.Pages);
        }

        AddReserved(area);
        long pages = LazyPages;
        if (Options.Purge.IsDue(pages, _lazy.Pieces, _lazyPagesMax))
        {
            PurgeDue(pages);
        }
    }

    /// <summary>Adds a range to the lazy set whose pages are counted. The record is not this thread's any more afterwards.</summary>
    private void AddReserved(VmapArea* area)
    {
        // The state comes first: a purge that finds the range in the set takes it down.
        Invariant.Assert(area->State is VmapAreaState.None or VmapAreaState.Block, $"The range at page {area->Start} becomes lazy and is {area->State}.");
        Invariant.Assert(_areas.Records + _areas.AreaOf[area->Start] == area, $"The range at page {area->Start} becomes lazy without its pages.");
        Invariant.Assert(LazyPages >= area->Range.Pages, $"{area->Range.Pages} pages become lazy, and {LazyPages} are counted.");
        PageRange range = area->Range;
        area->MoveTo(VmapAreaState.Lazy);
        _lazy.Add(range);
    }

    /// <summary>Counts pages as outstanding unless that would exceed the bound.</summary>
    private bool TryReserveLazy(long pages)
    {
        Invariant.Assert(pages > 0, $"{pages} pages become lazy.");
        long now = Atomic.LoadAcquire(ref _lazyPages);
        Invariant.Assert(now >= 0, $"{now} pages are lazy.");
        while (now + pages <= _lazyPagesBound)
        {
            if (Atomic.CompareExchange(ref _lazyPages, now, now + pages))
            {
                RaisePeak(now + pages);
                return true;
            }

            now = Atomic.LoadAcquire(ref _lazyPages);
        }

        return false;
    }

    /// <summary>Counts pages as outstanding that the system refuses to unmap, also above the bound.</summary>
    private void ReserveLazyRefused(long pages) => RaisePeak(Atomic.Add(ref _lazyPages, pages));

    private void RaisePeak(long pages)
    {
        long peak = Atomic.LoadAcquire(ref _lazyPagesPeak);
        while (pages > peak && !Atomic.CompareExchange(ref _lazyPagesPeak, peak, pages))
        {
            peak = Atomic.LoadAcquire(ref _lazyPagesPeak);
        }
    }

    /// <summary>
    /// The bound is reached: purges, or waits until the purge that runs has made room, which it does long before its end.
    /// </summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void ReserveLazySlow(long pages)
    {
        Atomic.Add(ref _throttledFrees, 1);
        var backoff = default(Backoff);
        do
        {
            if (_purgeLock.TryEnter())
            {
                try
                {
                    if (TryReserveByPurge(pages))
                    {
                        return;
                    }
                }
                finally
                {
                    _purgeLock.Exit();
                }
            }

            backoff.Wait();
        }
        while (!TryReserveLazy(pages));
    }

    /// <summary>
    /// Makes room below the bound for a free. Only a system that refuses to unmap anything at this moment lets the bound be exceeded, because a free
    /// must not fail. The caller holds the purge lock.
    /// </summary>
    private bool TryReserveByPurge(long pages)
    {
        Invariant.Assert(_purgeLock.IsHeldByCurrentThread, "A free purges without the purge lock.");
        // Whoever had the lock before may have made the room: one purge is enough for all who wait.
        if (TryReserveLazy(pages))
        {
            return true;
        }

        // What is counted and not in the set yet is on its way, in the hands of a thread that is about to add it.
        if (_lazy.Pieces == 0)
        {
            return false;
        }

        // Pools and blocks stay: what they give up would be unmapped while the free waits.
        PurgeYield purged = PurgeLocked();
        if (TryReserveLazy(pages))
        {
            return true;
        }

        bool refused = purged is { Pages: 0, RefusedPieces: > 0 };
        if (refused)
        {
            ReserveLazyRefused(pages);
        }

        return refused;
    }

    private void PurgeDue(long pages)
    {
        if (_worker is { HasThread: true })
        {
            _worker.Ask();
            SlowDown(pages);
        }
        else if (!TryPurge())
        {
            // Somebody else purges: whoever frees meanwhile must not outrun him.
            SlowDown(pages);
        }
    }

    /// <summary>
    /// Slows a free down the more, the nearer the bound is: nothing up to half-way between the trigger and the bound, then by the square of the
    /// way. The purger gains the time that the producers lose.
    /// </summary>
    private void SlowDown(long pages)
    {
        long half = (_lazyPagesMax + _lazyPagesBound) / 2;
        if (pages <= half || _lazyPagesBound <= half)
        {
            return;
        }

        Atomic.Add(ref _throttledFrees, 1);
        double way = (double)(pages - half) / (_lazyPagesBound - half);
        long until = Stopwatch.GetTimestamp() + (long)(way * way * s_slowdownMax);
        do
        {
            Thread.Yield();
        }
        while (Stopwatch.GetTimestamp() < until && LazyPages > half);
    }
}
