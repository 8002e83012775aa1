using NativeMm.Primitives;

namespace NativeMm.Extensions;

/// <summary>What became of the calls of a second tier. Words that threads add to; a reader sees each on its own.</summary>
internal sealed class TierCounts
{
    private long _hits;
    private long _misses;
    private long _errors;
    private long _timeouts;
    private long _rejected;
    private long _corrupt;
    private long _repairs;
    private long _shared;

    /// <summary>Reads that found an entry.</summary>
    public long Hits => Atomic.LoadAcquire(in _hits);

    /// <summary>Reads that found none.</summary>
    public long Misses => Atomic.LoadAcquire(in _misses);

    /// <summary>Calls that threw.</summary>
    public long Errors => Atomic.LoadAcquire(in _errors);

    /// <summary>Calls that took too long.</summary>
    public long Timeouts => Atomic.LoadAcquire(in _timeouts);

    /// <summary>Calls that were not made because the circuit was open.</summary>
    public long Rejected => Atomic.LoadAcquire(in _rejected);

    /// <summary>Entries that did not pass their checksum.</summary>
    public long Corrupt => Atomic.LoadAcquire(in _corrupt);

    /// <summary>Writes that the tier had missed and got later.</summary>
    public long Repairs => Atomic.LoadAcquire(in _repairs);

    /// <summary>Reads that waited for the load of another one.</summary>
    public long Shared => Atomic.LoadAcquire(in _shared);

    public void AddRead(bool found) => Atomic.Add(ref found ? ref _hits : ref _misses, 1);

    public void AddFailure(bool isTimeout) => Atomic.Add(ref isTimeout ? ref _timeouts : ref _errors, 1);

    public void AddRejected() => Atomic.Add(ref _rejected, 1);

    public void AddCorrupt() => Atomic.Add(ref _corrupt, 1);

    public void AddRepair() => Atomic.Add(ref _repairs, 1);

    public void AddShared() => Atomic.Add(ref _shared, 1);
}
