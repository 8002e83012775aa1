namespace NativeMm.Lab.Baselines.Caches;

/// <summary>The least recently used entry goes: a list in the order of uses, over keys from 0 to one below some number.</summary>
internal sealed class LruCache : IHitSimulation
{
    private readonly int[] _next;
    private readonly int[] _previous;
    private readonly bool[] _isIn;
    private readonly int _head;
    private int _free;

    /// <summary>An empty cache.</summary>
    /// <param name="keys">How many keys there are.</param>
    /// <param name="entries">How many of them stay in.</param>
    public LruCache(int keys, int entries)
    {
        _next = new int[keys + 1];
        _previous = new int[keys + 1];
        _isIn = new bool[keys];
        _head = keys;
        _next[_head] = _previous[_head] = _head;
        _free = entries;
    }

    /// <inheritdoc/>
    public bool Use(int key)
    {
        bool hit = _isIn[key];
        if (hit)
        {
            Unlink(key);
        }
        else
        {
            MakeRoom();
            _isIn[key] = true;
        }

        int first = _next[_head];
        (_next[key], _previous[key]) = (first, _head);
        _next[_head] = _previous[first] = key;
        return hit;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
    }

    private void MakeRoom()
    {
        if (_free > 0)
        {
            _free--;
            return;
        }

        int last = _previous[_head];
        Unlink(last);
        _isIn[last] = false;
    }

    private void Unlink(int key)
    {
        _next[_previous[key]] = _next[key];
        _previous[_next[key]] = _previous[key];
    }
}
