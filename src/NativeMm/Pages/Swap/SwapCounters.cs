using NativeMm.Primitives;

namespace NativeMm.Buffers;

/// <summary>What a swap backend counts besides its pages. Never copy it.</summary>
internal struct SwapCounters
{
    private long _stores;
    private long _refusals;
    private long _loads;
    private long _failedLoads;

    public readonly long Stores => Atomic.LoadAcquire(in _stores);

    public readonly long Refusals => Atomic.LoadAcquire(in _refusals);

    public readonly long Loads => Atomic.LoadAcquire(in _loads);

    public readonly long FailedLoads => Atomic.LoadAcquire(in _failedLoads);

    /// <summary>Counts a batch.</summary>
    public void Stored(int stored, int pages)
    {
        Atomic.Add(ref _stores, stored);
        if (stored != pages)
        {
            Atomic.Add(ref _refusals, pages - stored);
        }
    }

    /// <summary>Counts a load.</summary>
    public void Loaded(bool succeeded) => Atomic.Add(ref succeeded ? ref _loads : ref _failedLoads, 1);
}
