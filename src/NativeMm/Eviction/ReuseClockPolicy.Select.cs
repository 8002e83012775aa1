using NativeMm.Primitives;

namespace NativeMm.Eviction;

/// <content>The hand.</content>
internal unsafe partial struct ReuseClockPolicy
{
    /// <summary>How hard a search is: rounds that found nothing.</summary>
    private const int TakeUnused = 1;
    private const int TakeAny = 2;
    private const int GiveUp = 3;

    /// <summary>So many times as cold as it looks is a protected item that was never used since it is protected: one return may be chance.</summary>
    private const uint UnprovenHaste = 3;

    /// <summary>Looks at cold items before the coldest are found anew.</summary>
    private const uint ColdLooks = 16;

    /// <inheritdoc/>
    public int Select<TProbe>(ref TProbe probe, Span<uint> victims)
        where TProbe : struct, IAccessProbe, allows ref struct
    {
        Atomic.StoreRelease(ref _filling, 0);
        CountReturns();
        FindColdest();
        int found = 0;
        int hardness = 0;
        uint steps = 0;
        _sawFresh = false;
        while (found < victims.Length)
        {
            uint number = _hand;
            var word = new ReuseWord(Atomic.LoadAcquire(in _words[number]));
            if (word.State is ReuseState.Probation or ReuseState.Protected && Visit(number, word, probe.TestAndClear(number), hardness))
            {
                victims[found++] = number;
                steps = 0;
            }

            Advance();
            if (++steps >= _items)
            {
                steps = 0;

                // Those that were just seen for the first time may go in the next round.
                hardness += _sawFresh ? 0 : 1;
                _sawFresh = false;
                if (hardness == GiveUp)
                {
                    break;
                }
            }
        }

        return found;
    }

    /// <summary>Looks at one item.</summary>
    /// <returns>Whether it is a victim.</returns>
    private bool Visit(uint number, ReuseWord word, bool used, int hardness)
    {
        ushort now = (ushort)_now;
        if (hardness < TakeAny)
        {
            if (word.IsFresh)
            {
                // What made it come in also used it, so its first use says nothing.
                _sawFresh |= word.State == ReuseState.Probation;
                _ = TryChange(number, word, word.State == ReuseState.Protected ? word.Used(now) : word.Seen());
                return false;
            }

            if (used)
            {
                if (word.State == ReuseState.Protected && word.CanBeUsedMore && _coldAge != 0 && (ushort)(now - word.Stamp) >= _coldAge)
                {
                    CountColdUse();
                }

                bool promoted = word.State == ReuseState.Probation && IsAdmitted((ushort)(now - word.Stamp));
                _ = TryChange(number, word, promoted ? ReuseWord.Promoted(now) : word.Used(now));
                return false;
            }

            if (word.State == ReuseState.Protected && !IsSurplus(number, ref word, hardness))
            {
                return false;
            }
        }

        if (word.State == ReuseState.Probation)
        {
            if (hardness == 0 && IsLuckyStranger())
            {
                _ = TryChange(number, word, ReuseWord.Promoted(now));
                return false;
            }

            CountLife((ushort)(now - word.Stamp));
        }

        return TryChange(number, word, word.Chosen());
    }

    /// <summary>Whether a protected item that was not used has to make room.</summary>
    private bool IsSurplus(uint number, ref ReuseWord word, int hardness)
    {
        if (hardness >= TakeUnused)
        {
            return true;
        }

        uint age = (ushort)((ushort)_now - word.Stamp);
        if (age > AgeMax)
        {
            ReuseWord clamped = word.Restamped((ushort)(_now - AgeMax));
            if (!TryChange(number, word, clamped))
            {
                return false;
            }

            _oldestEpoch = _now - AgeMax;
            word = clamped;
        }

        uint coldness = word.IsProven ? age : age * UnprovenHaste;
        if (_protected <= _protectedTarget || coldness < ColdestAge())
        {
            return false;
        }

        if (word.Uses != 0)
        {
            _ = TryChange(number, word, word.Spared());
            return false;
        }

        return true;
    }

    /// <summary>The coldest move on as they go and are used: looked for again after as many looks as there are coldest ones.</summary>
    private uint ColdestAge()
    {
        if (_coldLooks == 0)
        {
            FindColdest();
        }

        _coldLooks--;
        return _coldAge;
    }

    /// <summary>Finds the age from which on items count as the coldest: a small share, and as many as there are too many.</summary>
    private void FindColdest()
    {
        uint wanted = uint.Max(1, _capacity / ColdShare) + (uint)int.Max(0, _protected - _protectedTarget);
        uint seen = 0;

        // Nothing gets older than the oldest was, but by time.
        uint age = uint.Min(_now - _oldestEpoch, AgeMax);
        _oldestEpoch = _now;
        for (; age > 0; age--)
        {
            uint here = (uint)int.Max(0, _counts[(byte)(_now - age)]);
            if (seen == 0 && here != 0)
            {
                _oldestEpoch = _now - age;
            }

            seen += here;
            if (seen >= wanted)
            {
                break;
            }
        }

        _lossWeight = double.Min(1, double.Max(1, _capacity * Margin) / uint.Max(1, seen));
        Atomic.StoreRelease(ref _coldAge, age);
        _coldLooks = ColdLooks;
    }

    private void Advance()
    {
        if (++_hand >= _items)
        {
            _hand = 0;
            _roundEpochs = uint.Max(1, _now - _roundBegan);
            _roundBegan = _now;
        }
    }
}
