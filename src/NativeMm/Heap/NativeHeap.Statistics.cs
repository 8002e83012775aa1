using NativeMm.Diagnostics;
using NativeMm.Primitives;

namespace NativeMm.Heap;

/// <content>Where every byte is, and whether it adds up.</content>
public sealed unsafe partial class NativeHeap
{
    /// <summary>Counts everything. Exact at rest; while other threads work, the figures of different classes belong to different moments.</summary>
    public HeapStatistics GetStatistics() => StatisticsUnlessDisposed() ?? throw new ObjectDisposedException(GetType().FullName);

    /// <summary><see cref="GetStatistics"/> for a caller that found the heap in a list; null when it is gone by now.</summary>
    internal HeapStatistics? StatisticsUnlessDisposed()
    {
        lock (_upkeepLock)
        {
            return _disposed ? null : CountLocked();
        }
    }

    private HeapStatistics CountLocked()
    {
        nint[] caches = _caches.Snapshot();
        var classes = new List<HeapClassStatistics>();
        for (int i = 0; i < _depots.Length; i++)
        {
            long cached = 0;
            foreach (nint cache in caches)
            {
                cached += ThreadCache.MagazineOf((ThreadCache*)cache, (nuint)i).Count;
            }

            DepotStatistics depot = _depots[i].GetStatistics();
            if (depot.Slabs != 0)
            {
                classes.Add(ClassStatistics(i, depot, cached));
            }
        }

        (ulong largeBytes, long largeBlocks, ulong retainedBytes) = _large.Statistics;
        lock (_metadata)
        {
            return new HeapStatistics
            {
                Name = Name,
                Classes = classes,
                LargeBlocks = largeBlocks,
                LargeBytes = largeBytes,
                LargeRetainedBytes = retainedBytes,
                MetadataBytes = _metadata.UsedBytes,
                ThreadCaches = caches.Length,
                ThreadCachesAdopted = _caches.Adopted,
            };
        }
    }

    /// <summary>
    /// Checks every structure and, for each class, the accounting equation: blocks of all slabs = free in slabs + in batches + in thread
    /// caches + in use, where every cached block is a valid one that no other place has. Call it at rest.
    /// </summary>
    /// <exception cref="InvariantViolationException">Something does not add up.</exception>
    public void Validate()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        nint[] caches = _caches.Snapshot();
        for (int i = 0; i < _depots.Length; i++)
        {
            var outside = new List<nuint>(_depots[i].BatchedBlocks());
            foreach (nint cache in caches)
            {
                ThreadCache.MagazineOf((ThreadCache*)cache, (nuint)i).CopyTo(outside);
            }

            _depots[i].Validate(outside);
        }

        _checked?.Validate();
    }

    private HeapClassStatistics ClassStatistics(int sizeClass, DepotStatistics depot, long cached)
    {
        ref readonly SlabGeometry geometry = ref _depots[sizeClass].Geometry;
        long blocks = (long)depot.Slabs * geometry.Blocks;
        return new HeapClassStatistics
        {
            BlockBytes = geometry.BlockBytes,
            Slabs = depot.Slabs,
            SlabBytes = (ulong)depot.Slabs * geometry.Frames * Pfn.FrameBytes,
            CachedBlocks = cached + depot.BatchedBlocks,
            FreeBlocks = depot.SlabFreeBlocks,
            LiveBlocks = Math.Max(0, blocks - depot.SlabFreeBlocks - depot.BatchedBlocks - cached),
            LockAcquisitions = depot.Acquisitions,
            LockContentions = depot.Contentions,
        };
    }
}
