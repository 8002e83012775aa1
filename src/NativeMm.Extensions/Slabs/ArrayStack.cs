using System.Runtime.InteropServices;
using NativeMm.Primitives;

namespace NativeMm.Slabs;

/// <summary>Idle arrays, newest on top. Thread-safe.</summary>
/// <param name="capacity">Most that it keeps.</param>
internal sealed class ArrayStack(int capacity)
{
    // Grown inside of the lock: outside of it others would change the list meanwhile. A failed growth leaves it as it was.
    private readonly List<IdleArray> _items = [];
    private SleepLock _lock;

    /// <summary>How many there are; a hint.</summary>
    public int Count => _items.Count;

    /// <summary>Takes the newest.</summary>
    public bool TryPop(out IdleArray idle)
    {
        using (_lock.EnterScope())
        {
            idle = _items.Count != 0 ? _items[^1] : default;
            if (_items.Count == 0)
            {
                return false;
            }

            _items.RemoveAt(_items.Count - 1);
            return true;
        }
    }

    /// <summary>Keeps one if there is room, and managed memory for a longer list.</summary>
    public bool TryPush(IdleArray idle)
    {
        using (_lock.EnterScope())
        {
            if (_items.Count >= capacity || !TryReserve(_items, 1))
            {
                return false;
            }

            _items.Add(idle);
            return true;
        }
    }

    /// <summary>Puts some beneath all others; false, and nothing is done, without managed memory for a longer list.</summary>
    public bool TryPushOldest(List<IdleArray> idle)
    {
        using (_lock.EnterScope())
        {
            if (!TryReserve(_items, idle.Count))
            {
                return false;
            }

            _items.InsertRange(0, idle);
            return true;
        }
    }

    /// <summary>Moves what has lain for long enough, oldest first; without managed memory for that, nothing.</summary>
    public void TakeIdle(int now, int age, List<IdleArray> idle)
    {
        using (_lock.EnterScope())
        {
            if (!TryReserve(idle, _items.Count))
            {
                return;
            }

            int kept = 0;
            foreach (IdleArray item in CollectionsMarshal.AsSpan(_items))
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

            _items.RemoveRange(kept, _items.Count - kept);
        }
    }

    /// <summary>Room comes first and in one piece, so that nothing is ever half moved.</summary>
    private static bool TryReserve(List<IdleArray> list, int count)
    {
        try
        {
            list.EnsureCapacity(list.Count + count);
            return true;
        }
        catch (OutOfMemoryException)
        {
            return false;
        }
    }
}
