using NativeMm.Primitives;

namespace NativeMm.Eviction;

/// <summary>
/// Second chance: the hand goes by number, an item that was used since it came by stays, any other goes. Simple, and the baseline: a loop over a little more
/// than fits makes it miss always, and a scan empties it. A word is 0 for a number that is out, 1 for one that is in, 2 for a victim.
/// </summary>
internal unsafe struct ClockPolicy : IReplacementPolicy
{
    private const uint Out = 0;
    private const uint In = 1;
    private const uint Selected = 2;
    private const int TakeAny = 2;
    private const int GiveUp = 3;

    private uint* _words;
    private uint _items;
    private uint _hand;

    /// <inheritdoc/>
    public static int ItemBytes => sizeof(uint);

    /// <inheritdoc/>
    public static int HistoryBits => 0;

    /// <inheritdoc/>
    public void Attach(byte* metadata, uint items, uint capacity)
    {
        _words = (uint*)metadata;
        _items = items;
    }

    /// <inheritdoc/>
    public readonly void Resize(uint capacity)
    {
    }

    /// <inheritdoc/>
    public readonly void Insert(uint number, uint history) => Atomic.StoreRelease(ref _words[number], In);

    /// <inheritdoc/>
    public readonly void Remove(uint number) => Atomic.StoreRelease(ref _words[number], Out);

    /// <inheritdoc/>
    public readonly void Move(uint from, uint to) => Atomic.StoreRelease(ref _words[to], Atomic.Exchange(ref _words[from], Out));

    /// <inheritdoc/>
    public int Select<TProbe>(ref TProbe probe, Span<uint> victims)
        where TProbe : struct, IAccessProbe, allows ref struct
    {
        int found = 0;
        int rounds = 0;
        uint steps = 0;
        while (found < victims.Length && rounds < GiveUp)
        {
            uint number = _hand;
            _hand = _hand + 1 < _items ? _hand + 1 : 0;
            if (Atomic.LoadAcquire(in _words[number]) == In && (!probe.TestAndClear(number) || rounds >= TakeAny)
                && Atomic.CompareExchange(ref _words[number], In, Selected))
            {
                victims[found++] = number;
                steps = 0;
            }
            else if (++steps >= _items)
            {
                steps = 0;
                rounds++;
            }
        }

        return found;
    }

    /// <inheritdoc/>
    public readonly uint Evicted(uint number)
    {
        Atomic.StoreRelease(ref _words[number], Out);
        return 0;
    }

    /// <inheritdoc/>
    public readonly void PutBack(uint number) => _ = Atomic.CompareExchange(ref _words[number], Selected, In);

    /// <inheritdoc/>
    public readonly uint Count()
    {
        uint count = 0;
        for (uint i = 0; i < _items; i++)
        {
            count += _words[i] == Out ? 0u : 1;
        }

        return count;
    }
}
