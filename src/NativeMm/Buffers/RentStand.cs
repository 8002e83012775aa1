using NativeMm.Primitives;

namespace NativeMm.Buffers;

/// <summary>
/// What one thread has of one pool: guards that wait for the next rent, and its part of the counts. Only that thread writes it, anybody may read the
/// counts.
/// </summary>
internal sealed class RentStand(bool withOwners)
{
    /// <summary>Most guards of a stand.</summary>
    public const int GuardsMax = 128;

    private readonly RentGuard?[] _guards = new RentGuard?[GuardsMax];
    private int _count;
    private long _rents;
    private long _returns;
    private long _bytes;

    /// <summary>Rents that the thread began, rents that it ended, and bytes of the former less those of the latter.</summary>
    public (long Rents, long Returns, long Bytes) Counts =>
        (Atomic.LoadAcquire(ref _rents), Atomic.LoadAcquire(ref _returns), Atomic.LoadAcquire(ref _bytes));

    /// <summary>Owners that wait for the next rent, where owners are used again.</summary>
    public OwnerRing? Owners { get; } = withOwners ? new OwnerRing() : null;

    /// <summary>A guard, or null if there is none.</summary>
    public RentGuard? TryTake()
    {
        int last = _count - 1;
        RentGuard?[] guards = _guards;
        if ((uint)last >= (uint)guards.Length)
        {
            return null;
        }

        RentGuard? guard = guards[last];

        // Or else a forgotten rent would never be found.
        guards[last] = null;
        _count = last;
        return guard;
    }

    /// <summary>Keeps a guard, if there is room.</summary>
    public bool TryPut(RentGuard guard)
    {
        int count = _count;
        RentGuard?[] guards = _guards;
        if ((uint)count >= (uint)guards.Length)
        {
            return false;
        }

        guards[count] = guard;
        _count = count + 1;
        return true;
    }

    /// <summary>Counts a rent.</summary>
    public void Rented(int bytes)
    {
        Atomic.StoreRelease(ref _rents, _rents + 1);
        Atomic.StoreRelease(ref _bytes, _bytes + bytes);
    }

    /// <summary>Counts the end of a rent, whoever began it.</summary>
    public void Returned(int bytes)
    {
        Atomic.StoreRelease(ref _returns, _returns + 1);
        Atomic.StoreRelease(ref _bytes, _bytes - bytes);
    }
}
