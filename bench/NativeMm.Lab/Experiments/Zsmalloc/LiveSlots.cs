namespace NativeMm.Lab.Experiments.Zsmalloc;

/// <summary>A set of slots from which any one can be drawn at once.</summary>
internal sealed class LiveSlots
{
    private readonly List<int> _live = [];
    private readonly int[] _positions;

    /// <summary>Begins with the slots that are live.</summary>
    public LiveSlots(ReadOnlySpan<bool> live)
    {
        _positions = new int[live.Length];
        Array.Fill(_positions, -1);
        for (int slot = 0; slot < live.Length; slot++)
        {
            if (live[slot])
            {
                Add(slot);
            }
        }
    }

    /// <summary>The slots outside the set.</summary>
    public IEnumerable<int> Empty => Enumerable.Range(0, _positions.Length).Where(slot => _positions[slot] < 0);

    /// <summary>Puts a slot into the set.</summary>
    public void Add(int slot)
    {
        _positions[slot] = _live.Count;
        _live.Add(slot);
    }

    /// <summary>Takes a slot out of the set.</summary>
    public void Remove(int slot)
    {
        int last = _live[^1];
        _live[_positions[slot]] = last;
        _positions[last] = _positions[slot];
        _live.RemoveAt(_live.Count - 1);
        _positions[slot] = -1;
    }

    /// <summary>Any slot of the set.</summary>
    public int Any(Random random) => _live[random.Next(_live.Count)];
}
