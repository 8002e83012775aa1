using System.Runtime.CompilerServices;
using NativeMm.Primitives;

namespace NativeMm.Slabs;

/// <summary>Idle arrays of one length, newest on top, and what was counted here. Thread-safe.</summary>
/// <param name="capacity">Most that it keeps.</param>
internal sealed class ArrayStack(int capacity)
{
    private const int RoomMin = 8;

    // Never used, at the end of the items: what is allocated behind them belongs to another core.
    private static readonly int s_gapItems = (CacheLine.Isolation / Unsafe.SizeOf<IdleArray>()) + 1;

    private IdleArray[] _items = [];
    private int _count;
    private SleepLock _lock;
    private long _rents;
    private long _returns;

    // Behind all else, and to be seen by nobody: the next stack belongs to another core.
#pragma warning disable CS0169, IDE0051 // It takes room, that is all.
    private readonly LineGap _gap;
#pragma warning restore CS0169, IDE0051

    /// <summary>How many there are; a hint.</summary>
    public int Count => Atomic.LoadRelaxed(in _count);

    /// <summary>Rents and returns that were counted here. Of one moment.</summary>
    public (long Rents, long Returns) Counts
    {
        get
        {
            using (_lock.EnterScope())
            {
                return (_rents, _returns);
            }
        }
    }

    private int Room => _items.Length == 0 ? 0 : _items.Length - s_gapItems;

    /// <summary>Counts a rent, and takes the newest if there is one.</summary>
    public bool Rent(out IdleArray idle)
    {
        using (_lock.EnterScope())
        {
            _rents++;
            return TryPopLocked(out idle);
        }
    }

    /// <summary>Counts a return, and keeps the array if there is room, and managed memory for a longer list.</summary>
    public bool Return(IdleArray idle)
    {
        using (_lock.EnterScope())
        {
            _returns++;
            return TryPushLocked(idle);
        }
    }

    /// <summary>Counts the return of an array that is not kept.</summary>
    public void CountReturn()
    {
        using (_lock.EnterScope())
        {
            _returns++;
        }
    }

    /// <summary>Takes the newest.</summary>
    public bool TryPop(out IdleArray idle)
    {
        using (_lock.EnterScope())
        {
            return TryPopLocked(out idle);
        }
    }

    /// <summary>Keeps one if there is room, and managed memory for a longer list.</summary>
    public bool TryPush(IdleArray idle)
    {
        using (_lock.EnterScope())
        {
            return TryPushLocked(idle);
        }
    }

    /// <summary>Puts some beneath all others; false, and nothing is done, without managed memory for a longer list.</summary>
    public bool TryPushOldest(ReadOnlySpan<IdleArray> idle)
    {
        using (_lock.EnterScope())
        {
            if (!TryReserve(_count + idle.Length))
            {
                return false;
            }

            Array.Copy(_items, 0, _items, idle.Length, _count);
            idle.CopyTo(_items);
            _count += idle.Length;
            return true;
        }
    }

    /// <summary>Moves what has lain for long enough, oldest first; without managed memory for that, nothing.</summary>
    public void TakeIdle(int now, int age, List<IdleArray> idle)
    {
        using (_lock.EnterScope())
        {
            try
            {
                idle.EnsureCapacity(idle.Count + _count);
            }
            catch (OutOfMemoryException)
            {
                return;
            }

            int kept = 0;
            foreach (IdleArray item in _items.AsSpan(0, _count))
            {
                if (item.IdleSince <= now - age)
                {
                    idle.Add(item);
                }
                else
                {
                    _items[kept++] = item;
                }
            }

            Array.Clear(_items, kept, _count - kept);
            _count = kept;
            if (kept == 0)
            {
                _items = [];
            }
        }
    }

    private bool TryPopLocked(out IdleArray idle)
    {
        int last = _count - 1;
        IdleArray[] items = _items;
        if ((uint)last >= (uint)items.Length)
        {
            idle = default;
            return false;
        }

        idle = items[last];
        items[last] = default;
        _count = last;
        return true;
    }

    private bool TryPushLocked(IdleArray idle)
    {
        if (_count >= capacity || !TryReserve(_count + 1))
        {
            return false;
        }

        _items[_count++] = idle;
        return true;
    }

    /// <summary>Room comes first and in one piece, so that nothing is ever half moved.</summary>
    private bool TryReserve(int count)
    {
        if (count <= Room)
        {
            return true;
        }

        try
        {
            Array.Resize(ref _items, int.Max(int.Max(count, RoomMin), 2 * Room) + s_gapItems);
            return true;
        }
        catch (OutOfMemoryException)
        {
            return false;
        }
    }
}
