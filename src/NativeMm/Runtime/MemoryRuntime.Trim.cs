using System.Diagnostics;
using NativeMm.Diagnostics;
using NativeMm.Heap;
using NativeMm.Primitives;
using NativeMm.Vmap;

namespace NativeMm.Runtime;

/// <content>Giving memory back, statistics, and the proof that everything adds up.</content>
public sealed partial class MemoryRuntime
{
    /// <summary>Passes of the background trimmer in one purge delay: memory goes back between one delay and a quarter more.</summary>
    private const int PassesPerDelay = 4;

    private readonly Lock _trimLock = new();
    private readonly ulong[] _usedFrames = new ulong[PassesPerDelay];
    private long _passes;
    private ulong _returnedBytes;

    private TimeSpan TrimInterval => Options.PurgeDelay / PassesPerDelay;

    /// <summary>
    /// Gives everything that is not needed at this moment back to the operating system: caches of all threads, empty slabs, free frames,
    /// retained large blocks.
    /// </summary>
    /// <returns>Bytes given back.</returns>
    public ulong Trim()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        lock (_trimLock)
        {
            long start = Stopwatch.GetTimestamp();
            ulong bytes = 0;
            foreach (NativeHeap heap in _space.Heaps())
            {
                bytes += heap.TrimUnlessDisposed();
            }

            _frames.Drain();
            bytes += _frameTrimmer.Discard(ulong.MaxValue);
            bytes += VmapIfUsed?.Trim() ?? 0;
            return Account(bytes, start);
        }
    }

    /// <summary>Counts everything. Exact at rest.</summary>
    public RuntimeStatistics GetStatistics()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        var heaps = new List<HeapStatistics>();
        ulong inUse = 0;
        ulong large = 0;
        foreach (NativeHeap heap in _space.Heaps())
        {
            if (heap.StatisticsUnlessDisposed() is not { } row)
            {
                continue;
            }

            heaps.Add(row);
            inUse += row.LiveBytes;
            large += row.LargeBytes + row.LargeRetainedBytes;
        }

        Frames.FrameStatistics zone = _frames.GetStatistics();
        VmapStatistics? vmap = VmapIfUsed?.GetStatistics();
        return new RuntimeStatistics
        {
            ReservedBytes = _zone.Bytes + large + (vmap is null ? 0 : vmap.Frames.ManagedFrames * Pfn.FrameBytes),
            CommittedBytes = ((zone.ManagedFrames - zone.ReportedFrames) * Pfn.FrameBytes) + large + CommittedOf(vmap),
            InUseBytes = inUse + InUseOf(vmap),
            ReturnedBytes = Atomic.LoadAcquire(in _returnedBytes),
            TrimPasses = Atomic.LoadAcquire(in _passes),
            Zone = zone,
            Heaps = heaps,
            Vmap = vmap,
        };
    }

    /// <summary>Checks every structure and every accounting equation. Call it at rest.</summary>
    /// <exception cref="InvariantViolationException">Something does not add up.</exception>
    public void Validate()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        lock (_trimLock)
        {
            foreach (NativeHeap heap in _space.Heaps())
            {
                heap.Validate();
            }

            _frames.Validate();
            VmapIfUsed?.Validate();
        }
    }

    /// <summary>One pass of the background trimmer.</summary>
    internal void TrimIdle()
    {
        lock (_trimLock)
        {
            long start = Stopwatch.GetTimestamp();
            ulong bytes = 0;
            foreach (NativeHeap heap in _space.Heaps())
            {
                bytes += heap.TrimIdle(Options.PurgeDelay);
            }

            bytes += VmapIfUsed?.TrimIdle() ?? 0;
            Account(bytes + _frameTrimmer.Discard(UnneededFrameBytes()), start);
        }
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

    /// <summary>
    /// Free frames that may still be resident, less what the program took and gave back within the last purge delay: that much it is
    /// likely to take again.
    /// </summary>
    private ulong UnneededFrameBytes()
    {
        Frames.FrameStatistics zone = _frames.GetStatistics();
        ulong used = zone.AllocatedFrames;
        _usedFrames[_passes % PassesPerDelay] = used;
        ulong peak = 0;
        foreach (ulong sample in _usedFrames)
        {
            peak = Math.Max(peak, sample);
        }

        ulong dirty = zone.ManagedFrames - used - zone.ReportedFrames;
        return dirty > peak - used ? (dirty - (peak - used)) * Pfn.FrameBytes : 0;
    }

    private ulong Account(ulong bytes, long start)
    {
        if (bytes != 0 && NativeMmEventSource.Log.IsEnabled())
        {
            RuntimeStatistics statistics = GetStatistics();
            NativeMmEventSource.Log.TrimPass((long)bytes, (long)statistics.RetainedBytes, (long)Stopwatch.GetElapsedTime(start).TotalMicroseconds);
        }

        Atomic.StoreRelease(ref _returnedBytes, _returnedBytes + bytes);
        Atomic.StoreRelease(ref _passes, _passes + 1);
        return bytes;
    }
}
