// Purpose      freed ranges that are still mapped, by address and merged, so that a purge has few pieces and knows its span at once.
// States       two trees: one that is added to, one that the last Detach left to be copied; they change places at Detach.
// Ownership    field           | who writes           | who reads | how
//              both trees      | holder of the lock   | the same  | plain; the tree taken out is the detaching thread's alone
//              span            | holder of the lock   | the same  | plain
//              pieces          | holder of the lock   | anybody   | release store, acquire load; advice outside the lock
// Ordering     everything is ordered by the lock; the detached tree is not touched by others before the next Detach, which one caller at a
//              time makes.
// Progress     blocking: an addition waits for another one, O(log n), never for a purge, whose copying is outside of the lock.
// Source       Linux 5.11 (commit 96e2db456135): a purge tree with a lock of its own, merged already when a range is freed.

using NativeMm.Diagnostics;
using NativeMm.Platform;
using NativeMm.Primitives;

namespace NativeMm.Vmap;

/// <summary>Freed ranges by address, merged with their neighbours.</summary>
internal sealed unsafe class SortedLazySet : LazySet
{
    private readonly RangeTree _one;
    private readonly RangeTree _other;
    private RangeTree _open;
    private RangeTree _detached;
    private SpinLock<NoLockStatistics> _lock;
    private long _pieces;
    private uint _start = uint.MaxValue;
    private uint _end;

    /// <summary>Makes an empty set.</summary>
    /// <exception cref="OutOfMemoryException">The system refuses the memory for the trees.</exception>
    public SortedLazySet(FreeSpaceGeometry geometry)
    {
        _one = new RangeTree(geometry);
        try
        {
            _other = new RangeTree(geometry);
        }
        catch
        {
            _one.Dispose();
            throw;
        }

        _open = _one;
        _detached = _other;
    }

    /// <inheritdoc/>
    public override long Pieces => Atomic.LoadAcquire(ref _pieces);

    /// <inheritdoc/>
    public override PageRange Span
    {
        get
        {
            _lock.Enter();
            Invariant.Assert((_end == 0) == (_open.Count == 0), $"{_open.Count} lazy pieces lie before page {_end}.");
            PageRange span = _end == 0 ? default : new PageRange(_start, _end - _start);
            _lock.Exit();
            return span;
        }
    }

    /// <inheritdoc/>
    public override PlatformResult TryOpen(uint ranges)
    {
        PlatformResult result = _one.TryOpen(ranges);
        return result.Succeeded ? _other.TryOpen(ranges) : result;
    }

    /// <inheritdoc/>
    public override void Add(PageRange range)
    {
        _lock.Enter();
        _open.Give(range);
        _start = uint.Min(_start, range.Start);
        _end = uint.Max(_end, range.End);
        Invariant.Assert(_start < _end && _open.Pages <= _end - _start, $"{_open.Pages} lazy pages lie between pages {_start} and {_end}.");
        Atomic.StoreRelease(ref _pieces, _open.Count);
        _lock.Exit();
    }

    /// <inheritdoc/>
    public override int Detach(PageRange* into)
    {
        _lock.Enter();
        Invariant.Assert(_detached.Count == 0, $"{_detached.Count} ranges of the last purge are still in its tree.");
        (_open, _detached) = (_detached, _open);
        RangeTree full = _detached;
        _start = uint.MaxValue;
        _end = 0;
        Atomic.StoreRelease(ref _pieces, 0);
        _lock.Exit();
        int count = (int)full.Count;
        full.CopyTo(into);
        full.Clear();
        Invariant.Assert(ReferenceEquals(full, _detached), "Two purges detach at a time.");
        return count;
    }

    /// <inheritdoc/>
    public override long Validate()
    {
        _open.Validate();
        Invariant.Check(_detached.Count == 0, "Ranges of the last purge are still in its tree.");
        Invariant.Check(_pieces == _open.Count, $"The lazy set says {_pieces} pieces and has {_open.Count}.");
        return _open.Pages;
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        _one.Dispose();
        _other.Dispose();
    }
}
