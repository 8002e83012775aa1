using NativeMm.Diagnostics;
using NativeMm.Primitives;

namespace NativeMm.AddressSpaces;

/// <content>Who reclaims, and until when.</content>
internal sealed unsafe partial class Reclaimer<TPolicy>
{
    private long _evicted;
    private long _sameFilled;
    private long _clean;
    private long _putBack;
    private long _batches;
    private long _direct;

    /// <inheritdoc/>
    public override void RunInBackground()
    {
        int highWater = 2 * _lowWater;
        while (Atomic.LoadAcquire(in _freeCount) < highWater && _gate.TryEnter())
        {
            long left = ReclaimLocked(isHard: false);
            _gate.Exit();
            if (left == 0)
            {
                return;
            }
        }
    }

    /// <inheritdoc/>
    public override bool TryMakeRoom()
    {
        for (int i = 0; i < BatchesPerCharge && Atomic.LoadAcquire(in _freeCount) == 0; i++)
        {
            if (!_gate.TryEnter())
            {
                return false;
            }

            Atomic.Add(ref _direct, 1);
            ReclaimLocked(isHard: i >= BatchesPerCharge / 2);
            _gate.Exit();
        }

        return Atomic.LoadAcquire(in _freeCount) != 0;
    }

    /// <inheritdoc/>
    public override long Reclaim(long pages)
    {
        long left = 0;
        int fruitless = 0;
        while (left < pages && fruitless < 4 && _gate.TryEnter())
        {
            long batch = ReclaimLocked(isHard: fruitless > 1);
            _gate.Exit();
            fruitless = batch == 0 ? fruitless + 1 : 0;
            left += batch;
        }

        return left;
    }

    /// <inheritdoc/>
    public override ReclaimStatistics GetStatistics() => new()
    {
        LimitPages = _limit,
        ResidentPages = ChargedPages,
        Evicted = Atomic.LoadAcquire(in _evicted),
        SameFilled = Atomic.LoadAcquire(in _sameFilled),
        Clean = Atomic.LoadAcquire(in _clean),
        PutBack = Atomic.LoadAcquire(in _putBack),
        Batches = Atomic.LoadAcquire(in _batches),
        Direct = Atomic.LoadAcquire(in _direct),
    };

    /// <inheritdoc/>
    public override void Pause() => _moving.Enter();

    /// <inheritdoc/>
    public override void Resume() => _moving.Exit();

    /// <inheritdoc/>
    public override void Validate(long residentPages)
    {
        Invariant.Check(ChargedPages == residentPages, $"{ChargedPages} pages have a charge, and {residentPages} are in memory.");
        Invariant.Check(_policy.Count() == residentPages, $"The policy has {_policy.Count()} pages, and {residentPages} are in memory.");
    }

    private long ReclaimLocked(bool isHard)
    {
        using (_moving.EnterScope())
        {
            return ReclaimBatch(AccessSlots.Own(), isHard);
        }
    }
}
