using NativeMm.Diagnostics;
using NativeMm.Frames;
using NativeMm.Primitives;
using NativeMm.Reporting;

namespace NativeMm.Vmap;

/// <content>Counts, giving memory back to the system, and the proof that everything adds up.</content>
public sealed unsafe partial class VmapAllocator
{
    /// <summary>The frames below, block by block.</summary>
    internal IBlockedFrames BlockedFrames => _frames;

    /// <summary>Counts everything. Exact at rest.</summary>
    /// <returns>The figures, a copy that does not change any more.</returns>
    /// <exception cref="ObjectDisposedException">The allocator is disposed.</exception>
    public VmapStatistics GetStatistics()
    {
        using EndGate.Visit inside = _end.Visiting(this);
        (long pooled, long hits, long frees) = CountPools();
        long lazy = LazyPages;
        long blocks = Atomic.LoadAcquire(ref _blockPages);
        long free = FreePages();
        var statistics = new VmapStatistics
        {
            WindowPages = _windowPages,
            FreePages = free,
            BusyPages = _windowPages - free - lazy - pooled - blocks,
            LazyPages = lazy,
            LazyPieces = _lazy.Pieces,
            LazySpanPages = _lazy.Span.Pages,
            LazyPagesPeak = Atomic.LoadAcquire(ref _lazyPagesPeak),
            PooledPages = pooled,
            BlockPages = blocks,
            FreeRanges = _free.Ranges,
            LargestFreePages = _free.Largest,
            MappingsInUse = _canMap ? _budget.InUse : 0,
            MappingsMax = _budget.Max,
            Allocations = hits + Atomic.LoadAcquire(ref _made) + Atomic.LoadAcquire(ref _ramMaps),
            Frees = frees + Atomic.LoadAcquire(ref _lazyFrees) + Atomic.LoadAcquire(ref _unmaps) + Atomic.LoadAcquire(ref _ramUnmaps),
            PoolHits = hits,
            MapCalls = _mapper.MapCalls,
            UnmapCalls = _mapper.UnmapCalls,
            GuardRevokes = _mapper.GuardRevokes,
            Purges = Atomic.LoadAcquire(ref _purges),
            PurgeFailures = _worker?.Failures ?? 0,
            LastPurgeFailure = _worker?.LastFailure,
            PurgedPieces = Atomic.LoadAcquire(ref _purgedPieces),
            RefusedPieces = Atomic.LoadAcquire(ref _refusedPieces),
            ThrottledFrees = Atomic.LoadAcquire(ref _throttledFrees),
            Reporting = _reporter.GetStatistics(),
            FreeSpaceLock = _free.LockSnapshot(),
            Frames = _frames.GetStatistics(),
        };
        GC.KeepAlive(this);
        return statistics;
    }

    /// <summary>
    /// Gives everything that is not needed at this moment back to the operating system: pools, blocks that nobody uses, lazily freed ranges, and then the
    /// pages of free frames, of which it leaves alone what <see cref="PageReporter.ReportNow"/> does.
    /// </summary>
    /// <returns>Bytes of frames given back; 0 when the reporting device calls this from its Report.</returns>
    /// <exception cref="MemoryFaultException">The reporting device put blocks back or freed them itself.</exception>
    /// <exception cref="ObjectDisposedException">The allocator is disposed.</exception>
    public ulong Trim()
    {
        using EndGate.Visit inside = _end.Visiting(this);
        if (_reporter.IsReportingHere)
        {
            // Whoever holds the purge lock may wait for this very call.
            return 0;
        }

        PurgeEverything();
        ulong bytes = _reporter.ReportNow();
        GC.KeepAlive(this);
        return bytes;
    }

    /// <summary>One beat of the reporter, for whoever makes the passes.</summary>
    /// <returns>Bytes of frames given back.</returns>
    internal ulong PollReporter()
    {
        using (_passLock.EnterScope())
        {
            return _reporter.Poll();
        }
    }

    /// <summary>
    /// Gives frames back before an allocation of frames fails: unmaps what is lazy, and while that was not enough, the pools and the blocks that nobody
    /// uses. The frame layer calls it.
    /// </summary>
    /// <param name="framesWanted">How many are wanted.</param>
    /// <returns>How many came back. Pages whose frames are held or mapped elsewhere give none, and neither does an allocator that ends.</returns>
    public ulong Shrink(ulong framesWanted)
    {
        if (!_canMap || !_end.TryEnter())
        {
            return 0;
        }

        try
        {
            ulong freed = (ulong)PurgeAndWait().Frames;
            return freed >= framesWanted ? freed : freed + (ulong)PurgeEverything().Frames;
        }
        finally
        {
            _end.Exit();
        }
    }

    /// <summary>
    /// Checks every structure from the records themselves, and <c>window = free + busy + lazy + pooled + blocks</c>. Call it at rest.
    /// </summary>
    /// <exception cref="InvariantViolationException">Something does not add up.</exception>
    /// <exception cref="ObjectDisposedException">The allocator is disposed.</exception>
    public void Validate()
    {
        using EndGate.Visit inside = _end.Visiting(this);

        // Passes of idle time wait, and so do purges.
        using (_passLock.EnterScope())
        using (_purgeLock.EnterScope())
        {
            _free.Validate();
            long lazySet = _lazy.Validate();
            Span<long> pages = stackalloc long[Enum.GetValues<VmapAreaState>().Length];
            long mappings = CheckRecords(pages);
            long free = FreePages();
            Check("free + busy + lazy + pooled + blocks", free + Sum(pages), _windowPages);
            Check("lazy pages", LazyPages, pages[(int)VmapAreaState.Lazy]);
            Check("pages of the lazy set", lazySet, pages[(int)VmapAreaState.Lazy]);
            Check("pooled pages", CountPools().Pages, pages[(int)VmapAreaState.Pooled]);
            Check("block pages", Atomic.LoadAcquire(ref _blockPages), pages[(int)VmapAreaState.Block]);
            Check("private pages", pages[(int)VmapAreaState.None], 0);
            Check("mappings", _budget.Charged, _canMap ? mappings : 0);
            CheckReferences();

            // With the lock: a purge gives frames up.
            _frames.Validate();
        }

        GC.KeepAlive(this);
    }

    private static void Check(string what, long found, long expected) =>
        Invariant.Check(found == expected, $"Vmap: {what} is {found} and should be {expected}.");

    private static long Sum(ReadOnlySpan<long> pages)
    {
        long sum = 0;
        foreach (long count in pages)
        {
            sum += count;
        }

        return sum;
    }

    private (long Pages, long Hits, long Frees) CountPools()
    {
        (long pages, long hits, long frees) = (0L, 0L, 0L);
        for (int core = 0; core <= _poolMask; core++)
        {
            pages += Atomic.LoadAcquire(ref _pools[core].Pages);
            hits += Atomic.LoadAcquire(ref _pools[core].Hits);
            frees += Atomic.LoadAcquire(ref _pools[core].Frees);
        }

        return (pages, hits, frees);
    }

    private long FreePages() => _canMap ? _free.Pages : _windowPages - Atomic.LoadAcquire(ref _contiguousPages);

    /// <summary>Adds the pages of all ranges up by state, checks each range against the table, and gives their mappings.</summary>
    private long CheckRecords(Span<long> pages)
    {
        long mappings = 0;
        uint end = _areas.End;
        for (uint record = 1; record < end; record++)
        {
            VmapArea* area = _areas.Records + record;
            PageRange range = area->Range;
            pages[(int)area->State] += range.Pages;
            mappings += area->Mappings;
            for (uint page = range.Start; page < range.End; page++)
            {
                Invariant.Check(_areas.AreaOf[page] == record, $"Vmap: page {page} of range {record} is said to be of range {_areas.AreaOf[page]}.");
            }

            bool hasFrames = area->Pages != 0 && area->Kind != (byte)VmapAreaKind.Block;
            for (uint page = range.Start; hasFrames && page < range.Start + area->Pages; page++)
            {
                Invariant.Check(_areas.FrameOf[page] != 0, $"Vmap: page {page} of range {record} has no frame.");
            }
        }

        return mappings;
    }

    /// <summary>Each frame has exactly as many references as pages of the window name it.</summary>
    private void CheckReferences()
    {
        if (!_canMap)
        {
            return;
        }

        var named = new Dictionary<uint, uint>();
        uint end = _areas.End;
        for (uint record = 1; record < end; record++)
        {
            PageRange range = _areas.Records[record].Range;
            for (uint page = range.Start; page < range.End; page++)
            {
                uint slot = _areas.FrameOf[page];
                if (slot != 0)
                {
                    uint head = _references.HeadOf(new Pfn(slot - 1)).Value;
                    named[head] = named.GetValueOrDefault(head) + 1;
                }
            }
        }

        foreach ((uint frame, uint pages) in named)
        {
            uint mappings = _references.Count(new Pfn(frame)).Mappings;
            Invariant.Check(mappings == pages, $"Vmap: frame {frame} counts {mappings} mappings, and {pages} pages name it.");
        }
    }
}
