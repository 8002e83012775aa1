using NativeMm.Primitives;

namespace NativeMm.Eviction;

/// <content>
/// How many items are on probation. The border lies where one place more is worth as much on either side of it: beyond it are the items that came back just
/// after they had left from probation, before it those that were used when they were next to leave protection. A loop has none of the former, and the share
/// on probation goes down; a working set that turns over quickly has many, and it goes up.
/// </content>
internal unsafe partial struct ReuseClockPolicy
{
    private const double ShareAtFirst = 0.2;
    private const double ShareMin = 0.02;
    private const double ShareMax = 0.5;

    /// <summary>The share of the capacity whose worth is compared on both sides of the border.</summary>
    private const double Margin = 0.09;

    /// <summary>Places that one event moves the border by, and the share of a small capacity that is less than that.</summary>
    private const double Step = 3;
    private const double StepShareMax = 1.0 / 128;

    /// <summary>Returns are seen only where their history has been kept, so they count for a little more.</summary>
    private const double ReturnWeight = 1.2;

    /// <summary>How fast the mean time on probation follows: over so many items that leave, or an eighth of the capacity where that is less.</summary>
    private const double LifeItems = 100;
    private const double LifeShare = 8;

    /// <summary>From this age of the coldest on (six capacities of evictions) one of so many strangers is let in without having come back.</summary>
    private const uint AncientAge = 6 * EpochsPerCapacity;
    private const uint StrangersForOne = 64;

    private readonly double StepItems => double.Min(Step, _capacity * StepShareMax);

    private void BeginShares(uint capacity)
    {
        _capacity = uint.Max(1, capacity);
        _probation = _capacity * ShareAtFirst;
        MoveBorder(0);
        PublishReturnReach();
    }

    private void ScaleShares(uint capacity)
    {
        double share = _probation / _capacity;
        _capacity = uint.Max(1, capacity);
        _probation = _capacity * share;
        MoveBorder(0);
    }

    /// <summary>Takes the returns since the last call into account.</summary>
    private void CountReturns()
    {
        if (Atomic.LoadAcquire(in _returns) != 0)
        {
            MoveBorder(Atomic.Exchange(ref _returns, 0) * ReturnWeight * StepItems);
        }
    }

    /// <summary>A protected item was used that was among the coldest.</summary>
    private void CountColdUse() => MoveBorder(-_lossWeight * StepItems);

    private void MoveBorder(double by)
    {
        _probation = double.Clamp(_probation + by, _capacity * ShareMin, _capacity * ShareMax);
        Atomic.StoreRelease(ref _protectedTarget, (int)(_capacity - uint.Max(1, (uint)_probation)));
    }

    /// <summary>An item leaves from probation: how long it was there.</summary>
    private void CountLife(uint epochs)
    {
        _life += (epochs - _life) * double.Max(1 / LifeItems, double.Min(1, LifeShare / _capacity));
        PublishReturnReach();
    }

    private void PublishReturnReach() => Atomic.StoreRelease(ref _returnReach, (uint)(_life + (Margin * EpochsPerCapacity) + 0.5));

    /// <summary>
    /// Whether an item that leaves from probation stays after all. What is protected and not used for very long is no better than anybody else, and a loop that is
    /// longer than histories reach is held by those that are let in.
    /// </summary>
    private bool IsLuckyStranger() => Atomic.LoadAcquire(in _coldAge) >= AncientAge && ++_strangers % StrangersForOne == 0;
}
