using NativeMm.Primitives;

namespace NativeMm.Buffers;

/// <summary>
/// Idle owners of one core, first in, first out. An owner rests: it leaves only when enough others came in after it, so that a second Dispose
/// or a late use soon after the first meets an idle owner and throws. Thread-safe.
/// </summary>
internal sealed class OwnerStand
{
    /// <summary>Owners that stay behind when one leaves.</summary>
    public const int RestingMin = 32;

    private const int Capacity = 256;

    private readonly PooledBuffer?[] _ring = new PooledBuffer?[Capacity];
    private SpinLock<NoLockStatistics> _lock;
    private int _head;
    private int _count;

    /// <summary>Takes the owner that has rested longest, if enough others rest.</summary>
    public PooledBuffer? TryTake()
    {
        _lock.Enter();
        PooledBuffer? owner = null;
        if (_count > RestingMin)
        {
            owner = _ring[_head];
            _ring[_head] = null;
            _head = (_head + 1) & (Capacity - 1);
            _count--;
        }

        _lock.Exit();
        return owner;
    }

    /// <summary>Puts an owner to rest, if there is room.</summary>
    public bool TryPut(PooledBuffer owner)
    {
        _lock.Enter();
        bool room = _count < Capacity;
        if (room)
        {
            _ring[(_head + _count) & (Capacity - 1)] = owner;
            _count++;
        }

        _lock.Exit();
        return room;
    }
}
