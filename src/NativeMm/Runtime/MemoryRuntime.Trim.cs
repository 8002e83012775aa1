using System.Diagnostics;
using NativeMm.AddressSpaces;
using NativeMm.Diagnostics;
using NativeMm.Frames;
using NativeMm.Heap;
using NativeMm.Primitives;
using NativeMm.Reporting;
using NativeMm.Vmap;
using NativeMm.Zsmalloc;

namespace NativeMm.Runtime;

/// <content>Giving memory back, statistics, and the proof that everything adds up.</content>
public sealed partial class MemoryRuntime
{
    /// <summary>
    /// Passes over the heaps in one purge delay. What did not move between two of them leaves: a block a quarter to half a delay after its last use.
    /// </summary>
    private const int PassesPerDelay = 4;

    /// <summary>A pass may come earlier by one in so many parts of the shorter interval, to share a wake-up with another.</summary>
    private const int BeatSlackDivisor = 4;

    private SleepLock _trimLock;

    // One thread for both kinds of passes: it wakes up for the one that is due first.
    private readonly PassSchedule _heapSchedule;
    private readonly PassSchedule _frameSchedule;
    private readonly TimeSpan _beatSlack;
    private readonly RestPace _rest;
    private bool _heapsRest;
    private bool _framesRest;
    private long _passes;
    private ulong _returnedBytes;

    private static TimeSpan Now => Stopwatch.GetElapsedTime(0);

    /// <summary>
    /// Gives everything that is not needed at this moment back to the operating system: caches of all threads, empty slabs, free frames,
    /// retained large blocks, zspages that compaction empties.
    /// </summary>
    /// <returns>Bytes given back; 0 when a reporting device calls this from its Report.</returns>
    /// <remarks>
    /// It waits for a pass that is under way, and so for a slow device. Of free frames it leaves alone what
    /// <see cref="PageReporter.ReportNow"/> does: the last ones of a zone that is nearly full.
    /// </remarks>
    /// <exception cref="ObjectDisposedException">The runtime is disposed.</exception>
    /// <exception cref="MemoryFaultException">A reporting device put blocks back or freed them itself.</exception>
    public ulong Trim()
    {
        using EndGate.Visit inside = _end.Visiting(this);
        if (IsReportingHere)
        {
            // Whoever holds the trim lock may wait for this very call.
            return 0;
        }

        BackgroundThread.TryAgain();

        // Before the lock: a cache tells its listeners.
        TrimTenants(idle: false);
        PassEvents events = BeginPass();
        try
        {
            using (_trimLock.EnterScope())
            {
                ulong bytes = 0;
                foreach (NativeHeap heap in _space.Heaps())
                {
                    bytes += heap.TrimUnlessDisposed();
                }

                foreach (ZsPool pool in Pools())
                {
                    pool.CompactUnlessDisposed();
                }

                foreach (AddressSpace space in Spaces())
                {
                    space.FreeUnused();
                }

                AddressSpace.FreeOrphans();
                _ = _migration.Condense(int.MaxValue, ulong.MaxValue);
                _frames.Drain();
                bytes += _reporter.ReportNowQuietly();
                bytes += VmapIfUsed?.Trim() ?? 0;
                Account(bytes, ref events);
                return bytes;
            }
        }
        finally
        {
            EndPass(events);
        }
    }

    /// <summary>Counts everything. Exact at rest.</summary>
    /// <returns>The figures, a copy that does not change any more.</returns>
    /// <exception cref="ObjectDisposedException">The runtime is disposed.</exception>
    public RuntimeStatistics GetStatistics()
    {
        return GetStatistics(withSpaces: true);
    }

    /// <summary>The same; for whoever asks often, without <see cref="RuntimeStatistics.Spaces"/>, which are counted page by page.</summary>
    internal RuntimeStatistics GetStatistics(bool withSpaces)
    {
        using EndGate.Visit inside = _end.Visiting(this);
        return CountEverything(withSpaces);
    }

    /// <summary>Checks every structure and every accounting equation. Call it at rest.</summary>
    /// <exception cref="InvariantViolationException">Something does not add up.</exception>
    /// <exception cref="InvalidOperationException">A reporting device calls this from its Report: nothing is at rest then.</exception>
    /// <exception cref="ObjectDisposedException">The runtime is disposed.</exception>
    public void Validate()
    {
        using EndGate.Visit inside = _end.Visiting(this);
        if (IsReportingHere)
        {
            throw new InvalidOperationException("A reporting device cannot validate the runtime: its blocks are neither free nor in use until it returns.");
        }

        using (_trimLock.EnterScope())
        {
            foreach (NativeHeap heap in _space.Heaps())
            {
                heap.ValidateUnlessDisposed();
            }

            foreach (AddressSpace space in Spaces())
            {
                space.ValidateUnlessDisposed();
            }

            foreach (IRuntimeTenant tenant in _tenants.View)
            {
                tenant.Validate();
            }

            ValidatePoolsAndFrames(Pools());
            VmapIfUsed?.Validate();
        }
    }

    /// <summary>Checks the pools, and the frames while no pool moves any by itself.</summary>
    private void ValidatePoolsAndFrames(ZsPool[] pools)
    {
        var resting = new List<ZsEngine>(pools.Length);
        try
        {
            foreach (ZsPool pool in pools)
            {
                // One that ends meanwhile is left out; one that rests cannot end.
                if (pool.Engine.TryBeginRest())
                {
                    resting.Add(pool.Engine);
                }
            }

            foreach (ZsEngine engine in resting)
            {
                engine.ValidateAtRest();
            }

            _frames.Validate();
        }
        finally
        {
            foreach (ZsEngine engine in resting)
            {
                engine.EndRest();
            }
        }
    }

    // The caller is inside the gate.
    private RuntimeStatistics CountEverything(bool withSpaces)
    {
        var heaps = new List<HeapStatistics>();
        ulong inUse = 0;
        ulong slabs = 0;
        ulong large = 0;
        foreach (NativeHeap heap in _space.Heaps())
        {
            if (heap.StatisticsUnlessDisposed() is not { } row)
            {
                continue;
            }

            heaps.Add(row);
            inUse += row.LiveBytes;
            slabs += row.SlabBytes;
            large += row.LargeBytes + row.LargeRetainedBytes + row.GuardedBytes;
        }

        (ulong poolBytes, ulong poolFrames, long compacted, long poolContentions) = CountPools();
        Frames.FrameStatistics zone = _frames.GetStatistics();
        ulong cacheBytes = CountTenants();

        // Each part is read once: it shrinks while this counts.
        ulong others = slabs + (poolFrames * Pfn.FrameBytes) + cacheBytes;
        ulong releasingFrames = CountReleasing(zone, others);
        ulong releasingMapped = (ulong)long.Max(0, _teardown.Ledger.ReleasingMappingBytes);
        ulong spaceBytes = CountSpaces(zone, others + releasingFrames);
        large += releasingMapped;

        // Blocks of an arena that has ended are its heap's until they are freed.
        ulong releasingBlocks = ulong.Min(inUse, (ulong)long.Max(0, _teardown.Ledger.ReleasingBlockBytes));
        inUse -= releasingBlocks;
        ulong releasing = releasingFrames + releasingMapped + releasingBlocks;
        VmapStatistics? vmap = VmapIfUsed?.GetStatistics();
        return new RuntimeStatistics
        {
            ReservedBytes = _zone.Bytes + large + (vmap is null ? 0 : vmap.Frames.ManagedFrames * Pfn.FrameBytes),
            CommittedBytes = ((zone.ManagedFrames - zone.ReportedFrames) * Pfn.FrameBytes) + large + CommittedOf(vmap),
            OpenedBytes = (_zone.OpenedFrames * (ulong)Pfn.FrameBytes) + large + OpenedOf(vmap),
            InUseBytes = inUse + poolBytes + InUseOf(vmap) + spaceBytes + cacheBytes,
            CacheBytes = cacheBytes,
            ReleasingBytes = releasing,
            PoolBytes = poolBytes,
            VmapBytes = InUseOf(vmap),
            SpaceBytes = spaceBytes,
            FramesCompacted = compacted,
            Contentions = new LockContentions(
                heaps.Sum(heap => heap.LockContentions), vmap?.FreeSpaceLock?.Contentions ?? 0, poolContentions),
            ReturnedBytes = Atomic.LoadAcquire(in _returnedBytes),
            TrimPasses = Atomic.LoadAcquire(in _passes),
            TrimFailures = _trimmer?.Failures ?? 0,
            LastTrimFailure = _trimmer?.LastFailure,
            Teardown = _teardown.Statistics with { ReleasingBytes = (long)releasing },
            Reporting = _reporter.GetStatistics(),
            Zone = zone,
            Heaps = heaps,
            Spaces = withSpaces ? StatisticsOfSpaces() : [],
            Vmap = vmap,
        };
    }

    /// <summary>One beat of the background thread: a pass over the heaps and one of the reporter, each at its own interval.</summary>
    TimeSpan IBackgroundPass.RunPass()
    {
        FollowLimits(Now);

        // What is due soon is done at once: one wake-up serves both.
        TimeSpan soon = Now + _beatSlack;
        bool heaps = _heapSchedule.IsDue(soon);
        bool frames = _frameSchedule.IsDue(soon);
        if (heaps || frames)
        {
            TrimIdle(heaps, frames);
        }

        return _rest.NextWait(_heapsRest && _framesRest, NextPass(Now));
    }

    /// <summary>One pass of the background thread.</summary>
    /// <param name="heaps">Whether what rests in the heaps becomes free frames.</param>
    /// <param name="frames">Whether the reporter looks for free frames to give back.</param>
    internal void TrimIdle(bool heaps = true, bool frames = true)
    {
        if (!_end.TryEnter())
        {
            return;
        }

        try
        {
            TrimIdleInside(heaps, frames);
        }
        finally
        {
            _end.Exit();
        }
    }

    private void TrimIdleInside(bool heaps, bool frames)
    {
        if (heaps)
        {
            TrimTenants(idle: true);
        }

        PassEvents events = BeginPass();
        try
        {
            using (_trimLock.EnterScope())
            {
                ulong bytes = heaps ? TrimIdleHeaps() : 0;
                bytes += frames ? TrimIdleFrames() : 0;
                Account(bytes, ref events);
            }
        }
        finally
        {
            EndPass(events);
        }
    }

    private ulong TrimIdleHeaps()
    {
        ulong bytes = 0;
        bool rest = true;
        foreach (NativeHeap heap in _space.Heaps())
        {
            bytes += heap.TrimIdle(Options.PurgeDelay);
            rest &= heap.IsAtRest;
        }

        foreach (ZsPool pool in Pools())
        {
            long before = pool.Engine.TotalFrames;
            pool.TrimIdleUnlessDisposed();
            rest &= pool.Engine.TotalFrames == before;
        }

        if (VmapIfUsed is { } vmap)
        {
            vmap.TrimIdle();
            rest &= vmap.IsAtRest;
        }

        _heapsRest = rest && bytes == 0;
        return bytes;
    }

    private ulong TrimIdleFrames()
    {
        ulong moved = (_frames as IFrameSource)?.DrainIdle() ?? 0;
        moved += (ulong)CondenseFrames();
        ulong bytes = _reporter.Poll() + (VmapIfUsed?.PollReporter() ?? 0);
        _framesRest = moved == 0 && bytes == 0 && _reporter.IsAtRest && VmapIfUsed is not { ReporterIsAtRest: false };
        return bytes;
    }

    private TimeSpan NextPass(TimeSpan now)
    {
        TimeSpan heaps = _heapSchedule.WaitFrom(now);
        TimeSpan frames = _frameSchedule.WaitFrom(now);
        return heaps < frames ? heaps : frames;
    }

    private static ulong CommittedOf(VmapStatistics? vmap) =>
        vmap is null ? 0 : (vmap.Frames.ManagedFrames - vmap.Frames.ReportedFrames) * Pfn.FrameBytes;

    /// <summary>Allocated frames, without those that only freed ranges have.</summary>
    private static ulong InUseOf(VmapStatistics? vmap)
    {
        if (vmap is null)
        {
            return 0;
        }

        ulong freed = (ulong)(vmap.LazyPages + vmap.PooledPages);
        return vmap.Frames.AllocatedFrames > freed ? (vmap.Frames.AllocatedFrames - freed) * Pfn.FrameBytes : 0;
    }

    // The event source is asked before any lock: its first use calls listeners.
    private static PassEvents BeginPass() => new() { IsWanted = NativeMmEventSource.Log.IsEnabled(), Start = Stopwatch.GetTimestamp() };

    private void Account(ulong bytes, ref PassEvents events)
    {
        Atomic.StoreRelease(ref _returnedBytes, _returnedBytes + bytes);
        Atomic.StoreRelease(ref _passes, _passes + 1);
        if (bytes != 0 && events.IsWanted)
        {
            events.ReturnedBytes = bytes;
            events.RetainedBytes = CountEverything(withSpaces: false).RetainedBytes;
        }
    }

    /// <summary>Leaves the events of a pass, when its locks are given up.</summary>
    private void EndPass(PassEvents events)
    {
        foreach (NativeHeap heap in _space.Heaps())
        {
            heap.TellFaults();
        }

        _reporter.TellFailure();
        if (events.ReturnedBytes != 0)
        {
            NativeMmEventSource.Log.TrimPass(
                (long)events.ReturnedBytes, (long)events.RetainedBytes, (long)Stopwatch.GetElapsedTime(events.Start).TotalMicroseconds);
        }
    }

    /// <summary>What a pass has to tell of when it is over.</summary>
    private struct PassEvents
    {
        public bool IsWanted;
        public long Start;
        public ulong ReturnedBytes;
        public ulong RetainedBytes;
    }
}
