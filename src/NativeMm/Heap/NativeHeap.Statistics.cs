using NativeMm.Diagnostics;
using NativeMm.Heap.Checked;
using NativeMm.Primitives;

namespace NativeMm.Heap;

/// <content>Where every byte is, and whether it adds up.</content>
public sealed unsafe partial class NativeHeap
{
    /// <summary>Counts everything. Exact at rest; while other threads work, the figures of different classes belong to different moments.</summary>
    /// <returns>The figures, a copy that does not change any more.</returns>
    /// <exception cref="ObjectDisposedException">The heap was disposed.</exception>
    public HeapStatistics GetStatistics() => StatisticsUnlessDisposed() ?? throw Gone();

    /// <summary>
    /// The blocks that are allocated now, grouped by where they come from: what would be reported as leaked if the heap ended at this moment. Two of
    /// them tell what a part of the program leaves behind. Null where the heap is not in checked mode. It walks all blocks.
    /// </summary>
    /// <returns>The report, without a group when nothing is allocated, or null.</returns>
    /// <exception cref="ObjectDisposedException">The heap was disposed.</exception>
    public LeakReport? GetLeakReport()
    {
        ThrowIfDisposed();
        return _checked?.ReportLive();
    }

    /// <summary>Of how many allocations one has its stack recorded, for owners that record their own; 0 for none.</summary>
    internal int StackSampleInterval => _options.Checked.StackSampleInterval;

    /// <summary>Bytes of the large blocks, in use or kept for reuse.</summary>
    internal ulong LargeBytes
    {
        get
        {
            (ulong live, _, ulong retained) = _large.Statistics;
            return live + retained;
        }
    }

    /// <summary><see cref="GetStatistics"/> for a caller that found the heap in a list; null when it is gone by now.</summary>
    internal HeapStatistics? StatisticsUnlessDisposed()
    {
        using (_upkeepLock.EnterScope())
        {
            return _disposed ? null : CountLocked();
        }
    }

    private HeapStatistics CountLocked()
    {
        Invariant.Assert(_upkeepLock.IsHeldByCurrentThread && !_disposed, "A heap is counted that has ended, or without the upkeep lock.");
        Span<long> cached = stackalloc long[SizeClass.Count];
        cached.Clear();
        int caches = CountCachedLocked(cached);
        var classes = new List<HeapClassStatistics>();
        (long acquisitions, long contentions) = (0, 0);
        for (int i = 0; i < _depots.Length; i++)
        {
            DepotStatistics depot = _depots[i].GetStatistics();
            acquisitions += depot.Acquisitions;
            contentions += depot.Contentions;
            if (depot.Slabs != 0)
            {
                classes.Add(ClassStatistics(i, depot, cached[i]));
            }
        }

        (ulong largeBytes, long largeBlocks, ulong retainedBytes) = _large.Statistics;
        (long guardedBlocks, ulong guardedBytes) = _sampled?.CountLive() ?? default;
        return new HeapStatistics
        {
            Name = Name,
            Classes = classes,
            LockAcquisitions = acquisitions,
            LockContentions = contentions,
            LargeBlocks = largeBlocks,
            LargeBytes = largeBytes,
            LargeRetainedBytes = retainedBytes,
            GuardedBlocks = guardedBlocks,
            GuardedBytes = guardedBytes,
            MetadataBytes = MetadataBytes(),
            ThreadCaches = caches,
            ThreadCachesAdopted = _caches.Adopted,
            Checked = _checked?.Statistics,
        };
    }

    /// <summary>Adds up the blocks of each class in all magazines. Under the upkeep lock.</summary>
    /// <returns>How many caches there are.</returns>
    private int CountCachedLocked(Span<long> cached)
    {
        for (int i = 0; ; i++)
        {
            ThreadCache* cache = _caches.At(i);
            if (cache == null)
            {
                return i;
            }

            // Under the guard no magazine gets other slots; its owner may push and pop all the same.
            Invariant.Assert(cache->Tag == _tag && cached.Length == SizeClass.Count, "A cache of another heap is counted.");
            cache->Guard.Enter();
            for (int sizeClass = 0; sizeClass < cached.Length; sizeClass++)
            {
                cached[sizeClass] += ThreadCache.MagazineOf(cache, (nuint)sizeClass).Count;
            }

            cache->Guard.Exit();
        }
    }

    private ulong MetadataBytes()
    {
        using (_metadataLock.EnterScope())
        {
            return _metadata.UsedBytes;
        }
    }

    /// <summary>
    /// Checks every structure and, for each class, the accounting equation: blocks of all slabs = free in slabs + in batches + in thread
    /// caches + in use, where every cached block is a valid one that no other place has. Call it when no thread uses the heap; it waits for trim
    /// passes, and they for it.
    /// </summary>
    /// <exception cref="InvariantViolationException">Something does not add up.</exception>
    /// <exception cref="MemoryFaultException">Bytes beside a checked or guarded block were written.</exception>
    /// <exception cref="ObjectDisposedException">The heap is disposed.</exception>
    public void Validate()
    {
        ThrowIfDisposed();
        bool isThere = ValidateUnlessDisposed();
        ObjectDisposedException.ThrowIf(!isThere, this);
    }

    /// <summary><see cref="Validate"/> for a caller that found the heap in a list; false when it is gone by now.</summary>
    internal bool ValidateUnlessDisposed()
    {
        using (_upkeepLock.EnterScope())
        {
            if (_disposed)
            {
                return false;
            }

            ValidateLocked();
        }

        _checked?.Validate();
        _sampled?.Validate();
        return true;
    }

    private void ValidateLocked()
    {
        Invariant.Assert(_upkeepLock.IsHeldByCurrentThread, "A heap is validated without the upkeep lock.");
        var outside = new List<nuint>[_depots.Length];
        for (int i = 0; i < outside.Length; i++)
        {
            outside[i] = [.. _depots[i].BatchedBlocks()];
        }

        for (int i = 0; ; i++)
        {
            ThreadCache* cache = _caches.At(i);
            if (cache == null)
            {
                break;
            }

            for (int sizeClass = 0; sizeClass < outside.Length; sizeClass++)
            {
                ThreadCache.MagazineOf(cache, (nuint)sizeClass).CopyTo(outside[sizeClass]);
            }
        }

        for (int i = 0; i < outside.Length; i++)
        {
            _depots[i].Validate(outside[i]);
        }
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
