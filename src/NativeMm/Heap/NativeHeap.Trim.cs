using NativeMm.Diagnostics;
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
        ThrowIfDisposed();
        ulong bytes = TrimUnlessDisposed();
        TellFaults();
        return bytes;
    }

    /// <summary><see cref="Trim"/> for a caller that found the heap in a list: it may be gone by now, and then there is nothing to do.</summary>
    internal ulong TrimUnlessDisposed()
    {
        ulong bytes = 0;
        BlockFault fault;
        using (_upkeepLock.EnterScope())
        {
            if (_disposed)
            {
                return 0;
            }

            fault = EmptyThreadCaches(onlyIdle: false);
            bytes += _large.Trim(long.MaxValue);
            foreach (Depot depot in _depots)
            {
                fault = fault.Or(depot.TrimBatches(all: true));
                bytes += depot.DiscardUnusedPages(0);
            }
        }

        ReportIfFault(fault);
        return bytes;
    }

    /// <summary>
    /// One pass of the background trimmer: takes what did not move since the last pass, which the caller makes once a purge delay.
    /// </summary>
    /// <param name="purgeDelay">How long freed large blocks are kept.</param>
    /// <returns>Bytes given back to the operating system.</returns>
    internal ulong TrimIdle(TimeSpan purgeDelay)
    {
        ulong bytes = 0;
        BlockFault fault;
        using (_upkeepLock.EnterScope())
        {
            if (_disposed)
            {
                return 0;
            }

            if (RestsLocked())
            {
                return 0;
            }

            fault = EmptyThreadCaches(onlyIdle: true);
            CallForSamples();
            bytes += _large.Trim(Environment.TickCount64 - (long)purgeDelay.TotalMilliseconds);
            foreach (Depot depot in _depots)
            {
                fault = fault.Or(depot.TrimBatches(all: false));
                bytes += depot.DiscardUnusedPages(RestingPasses);
            }

            SettleLocked(bytes);
        }

        ReportIfFault(fault);
        return bytes;
    }

    /// <inheritdoc/>
    /// <remarks>
    /// Sends all cached blocks home. Whoever holds a guard asks nobody for memory, so each of them can be waited for: a cache whose owner lost its
    /// core in a refill may hold most of the zone.
    /// </remarks>
    ulong Frames.IShrinker.Shrink(ulong framesWanted)
    {
        ulong frames;
        BlockFault fault;
        using (_upkeepLock.EnterScope())
        {
            if (_disposed)
            {
                return 0;
            }

            ulong before = FramesFreed();
            fault = EmptyThreadCaches(onlyIdle: false);
            foreach (Depot depot in _depots)
            {
                fault = fault.Or(depot.TrimBatches(all: true));
            }

            frames = FramesFreed() - before;
            Invariant.Assert(FramesFreed() >= before, $"{before} frames of slabs came back so far, and fewer a moment later.");
        }

        ReportIfFault(fault);
        return frames;
    }

    /// <summary>Frames of all slabs that ended so far. It only grows, so that what others take meanwhile does not hide what came back.</summary>
    private ulong FramesFreed()
    {
        ulong frames = 0;
        foreach (Depot depot in _depots)
        {
            frames += (ulong)depot.GetStatistics().SlabsFreed * depot.Geometry.Frames;
        }

        return frames;
    }
}
