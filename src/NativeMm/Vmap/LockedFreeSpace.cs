using NativeMm.Diagnostics;
using NativeMm.Platform;
using NativeMm.Primitives;

namespace NativeMm.Vmap;

/// <summary>The free space of a window: a tree of ranges behind a spin lock.</summary>
/// <typeparam name="TStatistics">What the lock records about itself.</typeparam>
internal sealed unsafe class LockedFreeSpace<TStatistics> : FreeSpace
    where TStatistics : unmanaged, ILockStatistics
{
    private readonly RangeTree _tree;
    private WaiterLock<TStatistics> _lock;

    // Written under the lock, read by anybody: whoever maps asks how many there are, and need not wait for that.
    private long _ranges;

    /// <summary>Makes a free space in which every page of the window is free.</summary>
    /// <exception cref="OutOfMemoryException">The system refuses the memory for the tree.</exception>
    public LockedFreeSpace(FreeSpaceGeometry geometry)
    {
        // Between ranges, and between those that a purge has taken down and not given back: their records are others' already.
        _tree = new RangeTree(geometry with { RangesMax = (uint)ulong.Min(2 * (ulong)geometry.RangesMax, geometry.Pages) });
        _tree.Give(new PageRange(0, geometry.Pages));
        _ranges = _tree.Count;
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
    public override long Ranges => Atomic.LoadAcquire(ref _ranges);

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
    public override PlatformResult TryOpen(uint ranges) => _tree.TryOpen(2 * ranges);

    /// <inheritdoc/>
    public override bool TryTake(uint pages, nuint alignPages, out uint start, out long ranges)
    {
        _lock.Enter();
        bool taken = _tree.TryTake(pages, alignPages, out start);
        ranges = _tree.Count;
        Exit();
        return taken;
    }

    /// <inheritdoc/>
    public override bool TryTakeAt(PageRange range)
    {
        _lock.Enter();
        bool taken = _tree.TryTakeAt(range);
        Exit();
        return taken;
    }

    /// <inheritdoc/>
    public override void Give(PageRange range)
    {
        _lock.Enter();
        _tree.Give(range);
        Exit();
    }

    /// <inheritdoc/>
    public override void GiveMany(PageRange* ranges, int count)
    {
        Invariant.Assert(count > 0, $"{count} ranges are given back at once.");
        // Outside of the lock: the first touch of memory, and the steps back for others.
        _tree.Populate((uint)count);
        _lock.GiveWay();
        _lock.Enter();
        for (int i = 0; i < count; i++)
        {
            _tree.Give(ranges[i]);
        }

        Exit();
    }

    /// <inheritdoc/>
    public override void Validate()
    {
        _tree.Validate();
        Invariant.Check(_ranges == _tree.Count, $"The free space says {_ranges} pieces and has {_tree.Count}.");
    }

    /// <inheritdoc/>
    public override LockStatisticsSnapshot? LockSnapshot() =>
        _lock.Statistics is LockStatistics statistics ? statistics.Snapshot("vmap free space") : null;

    /// <inheritdoc/>
    public override void Dispose() => _tree.Dispose();

    /// <summary>Ends a hold that may have changed the tree.</summary>
    private void Exit()
    {
        Invariant.Assert(_lock.IsHeld, "The free space is left without its lock.");
        Invariant.Assert(
            (_tree.Count == 0) == (_tree.Pages == 0) && _tree.Count <= _tree.Pages,
            $"{_tree.Count} pieces of free space have {_tree.Pages} pages.");
        Atomic.StoreRelease(ref _ranges, _tree.Count);
        _lock.Exit();
    }
}
