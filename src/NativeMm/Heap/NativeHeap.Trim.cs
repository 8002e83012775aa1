using NativeMm.Primitives;

namespace NativeMm.Heap;

/// <content>Giving back what threads and depots hold without needing it.</content>
public sealed unsafe partial class NativeHeap : Frames.IShrinker
{
    private const uint RestingPasses = 2;

    /// <summary>
    /// Takes the free blocks out of all thread caches and depots, returns empty slabs to the frames, and gives unused pages inside the others
    /// and retained large blocks back to the operating system. Other threads may go on working.
    /// </summary>
    /// <returns>Bytes given back to the operating system by the heap itself; frames of empty slabs are not among them.</returns>
    public ulong Trim()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        return TrimUnlessDisposed();
    }

    /// <summary><see cref="Trim"/> for a caller that found the heap in a list: it may be gone by now, and then there is nothing to do.</summary>
    internal ulong TrimUnlessDisposed()
    {
        lock (_upkeepLock)
        {
            if (_disposed)
            {
                return 0;
            }

            EmptyThreadCaches(onlyIdle: false);
            ulong bytes = _large.Trim(long.MaxValue);
            foreach (Depot depot in _depots)
            {
                ReportIfFault(depot.TrimBatches(all: true));
                bytes += depot.DiscardUnusedPages(0);
            }

            return bytes;
        }
    }

    /// <summary>
    /// One pass of the background trimmer: takes what did not move since the last pass, which the caller makes once a purge delay.
    /// </summary>
    /// <param name="purgeDelay">How long freed large blocks are kept.</param>
    /// <returns>Bytes given back to the operating system.</returns>
    internal ulong TrimIdle(TimeSpan purgeDelay)
    {
        lock (_upkeepLock)
        {
            if (_disposed)
            {
                return 0;
            }

            EmptyThreadCaches(onlyIdle: true);
            ulong bytes = _large.Trim(Environment.TickCount64 - (long)purgeDelay.TotalMilliseconds);
            foreach (Depot depot in _depots)
            {
                ReportIfFault(depot.TrimBatches(all: false));
                bytes += depot.DiscardUnusedPages(RestingPasses);
            }

            return bytes;
        }
    }

    /// <inheritdoc/>
    ulong Frames.IShrinker.Shrink(ulong framesWanted) => Shrink();

    /// <summary>
    /// Sends all cached blocks home, except those of caches whose guard is held. The caller may hold its own cache's guard: nobody waits for
    /// a guard while he holds the upkeep lock.
    /// </summary>
    private ulong Shrink()
    {
        lock (_upkeepLock)
        {
            if (_disposed)
            {
                return 0;
            }

            ulong before = SlabFrames();
            EmptyThreadCaches(onlyIdle: false);
            foreach (Depot depot in _depots)
            {
                ReportIfFault(depot.TrimBatches(all: true));
            }

            ulong after = SlabFrames();
            return before > after ? before - after : 0;
        }
    }

    private void EmptyThreadCaches(bool onlyIdle)
    {
        foreach (nint cache in _caches.Snapshot())
        {
            EmptyThreadCache((ThreadCache*)cache, onlyIdle);
        }
    }

    private void EmptyThreadCache(ThreadCache* cache, bool onlyIdle)
    {
        if (!cache->Guard.TryEnter())
        {
            return;
        }

        Span<MagazineTheft> thefts = stackalloc MagazineTheft[SizeClass.Count];
        bool any = false;
        BlockFault fault = BlockFault.None;
        for (int i = 0; i < SizeClass.Count; i++)
        {
            Magazine magazine = ThreadCache.MagazineOf(cache, (nuint)i);
            bool rests = !onlyIdle || ThreadCache.RestsSinceLastLook(cache, i);
            bool wanted = rests && magazine.Count > 0;
            ThreadCache.AllowanceOf(cache, (nuint)i).HasRested |= rests;
            thefts[i] = wanted ? magazine.StealBegin() : default;
            any |= wanted;
        }

        if (any)
        {
            Atomic.ProcessWideFence();
            for (int i = 0; i < SizeClass.Count; i++)
            {
                if (thefts[i] != default)
                {
                    BlockFault found = _depots[i].PutHome(ThreadCache.MagazineOf(cache, (nuint)i).StealEnd(thefts[i]));
                    fault = fault.Kind == BlockFaultKind.None ? found : fault;
                }
            }
        }

        cache->Guard.Exit();
        ReportIfFault(fault);
    }

    private ulong SlabFrames()
    {
        ulong frames = 0;
        foreach (Depot depot in _depots)
        {
            frames += (ulong)depot.GetStatistics().Slabs * depot.Geometry.Frames;
        }

        return frames;
    }
}
