using NativeMm.Diagnostics;

namespace NativeMm.Heap;

/// <content>Runs that become another class's where they lie.</content>
internal sealed unsafe partial class Depot
{
    /// <summary>
    /// Makes a run one of a larger class, if it is this class's, its block is outside and the frames behind it are free. All of that is looked at under the lock: a pointer may be freed or
    /// resized by somebody else at the same time, or lie inside a run, and then whoever comes second finds out.
    /// </summary>
    /// <param name="granule">A granule of the heap's zone.</param>
    /// <param name="to">The larger class, whose depot expects a run.</param>
    /// <returns>Whether the run is the other class's now.</returns>
    public bool TryLetRunGrow(uint granule, SizeClass to)
    {
        Invariant.Assert(to.Value >= _class.Value && SlabGeometry.Of(to).IsRun, $"A run of class {_class.Value} is to grow to class {to.Value}.");
        EnterLock();
        bool grew = IsRunOutsideLocked(granule) && _space.TryExtendRun(granule, _class, to, _tag);
        if (grew)
        {
            ChangeRunsLocked(-1);
        }

        _lock.Exit();
        return grew;
    }

    /// <summary>A run of another class, whose block is outside, will be one of this class.</summary>
    public void ExpectRun() => ChangeRuns(1);

    /// <summary>It stayed what it was.</summary>
    public void ExpectRunNoMore() => ChangeRuns(-1);

    /// <summary>Whether a run of this class begins at a granule whose block is not free. A run ends before the next place where one could begin.</summary>
    private bool IsRunOutsideLocked(uint granule)
    {
        Invariant.Assert(_lock.IsHeld, "A run is looked at without the lock of its depot.");
        nuint address = _space.AddressOf(granule);
        return _geometry.IsRun && _space.SlabOf(address, _geometry.Order) == granule && _space.OwnerAt(granule) == (_tag | (uint)_class.Value) && IsBlockOutside(address);
    }

    private void ChangeRuns(int more)
    {
        EnterLock();
        ChangeRunsLocked(more);
        _lock.Exit();
    }

    private void ChangeRunsLocked(int more)
    {
        _slabs += more;
        Invariant.Assert(_geometry.IsRun && _slabs >= 0, $"A class of {_geometry.BlockBytes} bytes changes its runs to {_slabs}.");
    }
}
