using NativeMm.Primitives;

namespace NativeMm.Slabs;

/// <summary>Idle arrays, newest on top. Thread-safe.</summary>
/// <param name="capacity">Most that it keeps.</param>
internal sealed class ArrayStack(int capacity)
{
    // Grown outside of the lock would be a copy that others change meanwhile; inside it, a failed growth leaves the list as it was.
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

    /// <summary>Keeps one if there is room.</summary>
    public bool TryPush(IdleArray idle)
    {
        using (_lock.EnterScope())
        {
            if (_items.Count >= capacity)
            {
                return false;
            }

            _items.Add(idle);
            return true;
        }
    }

    /// <summary>Puts one beneath all others.</summary>
    public void PushOldest(IdleArray idle)
    {
        using (_lock.EnterScope())
        {
            _items.Insert(0, idle);
        }
    }

    /// <summary>Takes out what has lain for long enough.</summary>
    public void TakeIdle(int now, int age, List<IdleArray> idle)
    {
        using (_lock.EnterScope())
        {
            idle.AddRange(_items.Where(item => item.IdleSince <= now - age));
            _items.RemoveAll(item => item.IdleSince <= now - age);
        }
    }
}
