using NativeMm.Diagnostics;
using NativeMm.Primitives;

namespace NativeMm.Vmap;

/// <summary>The free space of a window: a tree of ranges behind a spin lock.</summary>
/// <typeparam name="TStatistics">What the lock records about itself.</typeparam>
internal sealed unsafe class LockedFreeSpace<TStatistics> : FreeSpace
    where TStatistics : unmanaged, ILockStatistics
{
    private readonly RangeTree _tree;
    private WaiterLock<TStatistics> _lock;

    /// <summary>Makes a free space in which every page of the window is free.</summary>
    /// <exception cref="OutOfMemoryException">The system refuses the memory for the tree.</exception>
    public LockedFreeSpace(FreeSpaceGeometry geometry)
    {
        _tree = new RangeTree(geometry);
        _tree.Give(new PageRange(0, geometry.Pages));
    }

    /// <summary>What the lock recorded; read it at rest.</summary>
    public ref TStatistics Statistics => ref _lock.Statistics;

    /// <inheritdoc/>
    public override long Pages
    {
        get
        {
            _lock.Enter();
            long pages = _tree.Pages;
            _lock.Exit();
            return pages;
        }
    }

    /// <inheritdoc/>
    public override long Ranges
    {
        get
        {
            _lock.Enter();
            long ranges = _tree.Count;
            _lock.Exit();
            return ranges;
        }
    }

    /// <inheritdoc/>
    public override uint Largest
    {
        get
        {
            _lock.Enter();
            uint largest = _tree.Largest;
            _lock.Exit();
            return largest;
        }
    }

    /// <inheritdoc/>
    public override bool TryTake(uint pages, nuint alignPages, out uint start, out long ranges)
    {
        _lock.Enter();
        bool taken = _tree.TryTake(pages, alignPages, out start);
        ranges = _tree.Count;
        _lock.Exit();
        return taken;
    }

    /// <inheritdoc/>
    public override bool TryTakeAt(PageRange range)
    {
        _lock.Enter();
        bool taken = _tree.TryTakeAt(range);
        _lock.Exit();
        return taken;
    }

    /// <inheritdoc/>
    public override void Give(PageRange range)
    {
        _lock.Enter();
        _tree.Give(range);
        _lock.Exit();
    }

    /// <inheritdoc/>
    public override void GiveMany(PageRange* ranges, int count, int batch, long pagesBeforeRelease)
    {
        _lock.Enter();
        int held = 0;
        for (int i = 0; i < count; i++)
        {
            _tree.Give(ranges[i]);
            pagesBeforeRelease -= ranges[i].Pages;
            if (++held >= batch && batch != 0 && pagesBeforeRelease <= 0 && i + 1 < count)
            {
                held = 0;
                _lock.Exit();
                _lock.GiveWay();
                _lock.Enter();
            }
        }

        _lock.Exit();
    }

    /// <inheritdoc/>
    public override void Validate() => _tree.Validate();

    /// <inheritdoc/>
    public override LockStatisticsSnapshot? LockSnapshot() =>
        _lock.Statistics is LockStatistics statistics ? statistics.Snapshot("vmap free space") : null;

    /// <inheritdoc/>
    public override void Dispose() => _tree.Dispose();
}
