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
            if (ReclaimInside(isHard: false, onlyWithoutRoom: false) == 0)
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

            // What left may be somebody else's by now: it is worth another attempt all the same.
            if (ReclaimInside(isHard: i >= BatchesPerCharge / 2, onlyWithoutRoom: true) != 0)
            {
                return true;
            }
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
            long batch = ReclaimInside(isHard: fruitless > 1, onlyWithoutRoom: false);
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

    /// <summary>Makes one batch leave, and goes out of the gate, which the caller went into.</summary>
    /// <param name="isHard">Whether shared and incompressible pages leave too.</param>
    /// <param name="onlyWithoutRoom">Whether there is nothing to do when somebody made room while this thread waited for its turn.</param>
    private long ReclaimInside(bool isHard, bool onlyWithoutRoom)
    {
        try
        {
            using (_moving.EnterScope())
            {
                if (!onlyWithoutRoom)
                {
                    return ReclaimBatch(AccessSlots.Own(), isHard);
                }

                if (Atomic.LoadAcquire(in _freeCount) != 0)
                {
                    return 0;
                }

                Atomic.Add(ref _direct, 1);
                return ReclaimBatch(AccessSlots.Own(), isHard);
            }
        }
        finally
        {
            _gate.Exit();
        }
    }
}
