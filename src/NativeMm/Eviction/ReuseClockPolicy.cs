// Purpose      keeps the items that come back soonest, over scans, loops and changes of the working set, with one word an item and without hits.
// States       Out → (Insert) Probation or Protected → Selected → (Evicted, Remove) Out, or (PutBack) Protected. Fresh until the hand came by once.
// Transitions  Insert, Remove: by the owner of the number, a store and an exchange. All others by whoever selects: CAS, because Remove may come between.
// Ownership    an item's word | owner of the number, selector | both | CAS. _hand, _round…, _probation, _life | selector | selector | plain.
//              _now, _coldAge, _filling, _returnReach, _protectedTarget | selector, release | Insert, acquire; a stale value admits or refuses a few items more.
//              _counts, _protected | whoever changed a counted word by CAS or exchange | selector | atomic adds.
//              _returns | Insert, atomic add | selector, exchange.
// Ordering     words stand for themselves: nothing is reached through them. The owner of a number orders its calls.
// Reuse        a number that is removed and inserted again while it is selected is fresh again; its owner tells the selector (see IReplacementPolicy).
// Progress     Insert is one store, and an add where a return is counted; Remove is one exchange. Select is bounded: it gives up after three rounds over all
//              numbers that find nothing.
// Source       LIRS (Jiang and Zhang, SIGMETRICS'02) and CLOCK-Pro (USENIX'05): an item is worth its place if the distance of its reuse is shorter than
//              the time for which the coldest protected item was not used. S3-FIFO (SOSP'23): a share on probation. ARC (FAST'03): what left too early moves the
//              border between the shares. The hand goes by number instead of by age, so there are no queues; distances are counted in evictions, which
//              reclaim sees, and not in accesses, which it does not.
//
// Why a loop over twice the memory does not defeat it: all of its items come back after the same distance. None comes back sooner than a protected one was
// used, so none is admitted, and those that are protected are hit in every round. Why it forgets: what is not used any more grows colder than any distance, and
// everything that comes back is admitted in its place.

using NativeMm.Primitives;

namespace NativeMm.Eviction;

/// <summary>The default policy: admission by the distance of reuse, on one clock. Resists scans and loops.</summary>
internal unsafe partial struct ReuseClockPolicy : IReplacementPolicy
{
    private const int EpochsPerCapacity = 16;
    private const uint ColdShare = 32;
    private const uint AgeMax = EpochCounts.Length - 2;
    private const int HistoryWidth = 10;
    private const uint HistoryModulus = (1 << HistoryWidth) - 1;

    // A distance beyond it is no promise: what came back that late does not come back sooner next time. Twice the capacity, for loops of that length.
    private const uint HistoryReach = (2 * EpochsPerCapacity) + 1;

    private uint* _words;
    private uint _items;
    private uint _capacity;

    // Selector only.
    private uint _hand;
    private uint _roundBegan;
    private uint _roundEpochs;
    private uint _evictions;
    private uint _oldestEpoch;
    private uint _coldLooks;
    private bool _sawFresh;
    private uint _strangers;
    private double _probation;
    private double _life;
    private double _lossWeight;

    // Read by Insert.
    private uint _now;
    private uint _coldAge;
    private uint _returnReach;
    private int _filling;
    private int _protectedTarget;

    // Written by Insert.
    private int _returns;

    private int _protected;
    private EpochCounts _counts;

    /// <inheritdoc/>
    public static int ItemBytes => sizeof(uint);

    /// <inheritdoc/>
    public static int HistoryBits => HistoryWidth;

    /// <inheritdoc/>
    public void Attach(byte* metadata, uint items, uint capacity)
    {
        _words = (uint*)metadata;
        _items = items;
        _now = 1;
        _roundBegan = 1;
        _roundEpochs = 1;
        _filling = 1;
        _lossWeight = 1;
        BeginShares(capacity);
    }

    /// <inheritdoc/>
    public void Resize(uint capacity) => ScaleShares(capacity);

    /// <inheritdoc/>
    public void Insert(uint number, uint history)
    {
        uint now = Atomic.LoadAcquire(in _now);

        // Until something had to go, everything has a place.
        bool admit = Atomic.LoadAcquire(in _filling) != 0 || (history != 0 && Returns(Distance(now, history)));
        Atomic.StoreRelease(
            ref _words[number],
            ReuseWord.Inserted(admit ? ReuseState.Protected : ReuseState.Probation, (ushort)now).Bits);
    }

    /// <inheritdoc/>
    public void Remove(uint number) => Leave(new ReuseWord(Atomic.Exchange(ref _words[number], 0)));

    /// <inheritdoc/>
    public readonly void Move(uint from, uint to) => Atomic.StoreRelease(ref _words[to], Atomic.Exchange(ref _words[from], 0));

    /// <inheritdoc/>
    public uint Evicted(uint number)
    {
        var was = new ReuseWord(Atomic.Exchange(ref _words[number], 0));
        Leave(was);
        if (++_evictions >= uint.Max(1, _capacity / EpochsPerCapacity))
        {
            _evictions = 0;
            Atomic.StoreRelease(ref _now, _now + 1);
        }

        // The epoch of the last use, in the nearest past of now that has this stamp.
        uint epoch = _now - (ushort)((ushort)_now - was.Stamp);
        return (epoch % HistoryModulus) + 1;
    }

    /// <inheritdoc/>
    public void PutBack(uint number)
    {
        // Protected, so that a page that cannot go is not tried again in every round.
        var word = new ReuseWord(Atomic.LoadAcquire(in _words[number]));
        if (word.State == ReuseState.Selected)
        {
            _ = TryChange(number, word, ReuseWord.Promoted((ushort)_now));
        }
    }

    /// <inheritdoc/>
    public readonly uint Count()
    {
        uint count = 0;
        for (uint i = 0; i < _items; i++)
        {
            count += _words[i] == 0 ? 0u : 1;
        }

        return count;
    }

    /// <summary>Whether the counts are those of the words. At rest.</summary>
    internal readonly bool CountsAgree()
    {
        Span<int> counts = stackalloc int[EpochCounts.Length];
        int all = 0;
        for (uint i = 0; i < _items; i++)
        {
            var word = new ReuseWord(_words[i]);
            if (word.IsCounted)
            {
                counts[(byte)word.Stamp]++;
                all++;
            }
        }

        return all == _protected && counts.SequenceEqual(_counts);
    }

    private static uint Distance(uint now, uint history) => (now % HistoryModulus + HistoryModulus - (history - 1) % HistoryModulus) % HistoryModulus;

    /// <summary>Counts an item that comes back soon after it left, and says whether it may be protected.</summary>
    private bool Returns(uint distance)
    {
        if (distance <= Atomic.LoadAcquire(in _returnReach))
        {
            Atomic.Add(ref _returns, 1);
        }

        return distance <= HistoryReach && IsAdmitted(distance);
    }

    /// <summary>Whether an item may be protected. Uses are noticed up to a round late, so the coldest may be a round less cold than it looks.</summary>
    private readonly bool IsAdmitted(uint distance) =>
        Atomic.LoadRelaxed(in _protected) < Atomic.LoadAcquire(in _protectedTarget) || distance + _roundEpochs + 1 <= Atomic.LoadAcquire(in _coldAge);

    /// <summary>Changes a word unless its owner removed it meanwhile, and the counts with it.</summary>
    private bool TryChange(uint number, ReuseWord from, ReuseWord to)
    {
        if (!Atomic.CompareExchange(ref _words[number], from.Bits, to.Bits))
        {
            return false;
        }

        Leave(from);
        if (to.IsCounted)
        {
            Atomic.Add(ref _counts[(byte)to.Stamp], 1);
            Atomic.Add(ref _protected, 1);
        }

        return true;
    }

    private void Leave(ReuseWord word)
    {
        if (word.IsCounted)
        {
            Atomic.Add(ref _counts[(byte)word.Stamp], -1);
            Atomic.Add(ref _protected, -1);
        }
    }
}
