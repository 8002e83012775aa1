// Purpose      memory that readers reach without a lock is reclaimed only when none of them can still hold it.
// States       _epoch grows by 1. A participant's state is 0 (outside) or the epoch that it read when it entered.
// Transitions  outside → e: by the thread (store, full fence). e → outside: by the thread (release). _epoch e → e + 1: by anybody (CAS) who saw
//              after he read e that every participant is outside or in e.
// Ownership    _epoch | anybody | CAS, acquire. state | its thread | the one who advances | acquire, CAS. bags | anybody | under the bag lock.
//              _participants | replaced as a whole under _membership | read with acquire.
// Ordering     [E1] the fence after a thread stored its epoch and before it reads anything shared; [E2] the fence of Retire, between the
//              unlinking and the reading of the epoch r. Either the reader's [E1] comes first, or it does not find the item at all. If it comes
//              first, the reader entered in r or before. The step from r to r + 1 is a full fence after [E2], or the one who retired had read
//              r + 1; so whoever steps on from r + 1, which he read from that step, sees the reader's state, and does not.
//              Therefore an item retired in r can go from r + 2 on.
//              [E3] leaving is a release. Between the looks at the states and the reclaiming lie the CAS that steps on and the lock of the
//              bag, both full fences: the reader's last reads come before the reclaiming. So the looks themselves need no order.
// Reuse        three bags suffice: an item of epoch e goes from e + 2 on, and its bag is used again in e + 3.
// Progress     entering and leaving are wait-free. A thread that stays inside stops all reclaiming, not the work; a thread that died inside is
//              found by TryAdvance and does not count.
// Source       K. Fraser, "Practical lock-freedom" (2004), §5.2.3. Departs from it in the fence instead of a second look at the epoch.

namespace NativeMm.Primitives;

/// <summary>Epoch-based reclamation for one family of structures. Thread-safe.</summary>
internal sealed class EpochDomain : IDisposable
{
    /// <summary>An item goes that many epochs after it was retired.</summary>
    internal const ulong GraceEpochs = 2;

    private const int RetiredBeforeReclaim = 64;
    private const ulong FirstEpoch = 1;

    [ThreadStatic]
    private static EpochParticipant? t_participants;

    private SleepLock _membership;
    private EpochParticipant[] _participants = [];
    private List<EpochParticipant> _departed = [];
    private int _sweepAt = 16;
    private ulong _epoch = FirstEpoch;
    private int _disposed;

    /// <summary>The epoch now.</summary>
    internal ulong Epoch => Atomic.LoadAcquire(ref _epoch);

    /// <summary>Threads that take part and were not found dead yet.</summary>
    internal int ParticipantCount => Atomic.LoadAcquire(ref _participants).Length;

    /// <summary>Items that wait to be reclaimed.</summary>
    public int RetiredCount => Everybody().Sum(participant => participant.CountRetired());

    /// <summary>Enters: from here until the guard is disposed nothing that this thread can reach is reclaimed. Guards nest.</summary>
    public EpochGuard Enter()
    {
        EpochParticipant participant = Participant();
        participant.Enter();
        return new EpochGuard(participant);
    }

    /// <summary>
    /// Hands over something that was unlinked, so that nobody can find it any more who does not hold it already. The callback runs once, later,
    /// on any thread, perhaps in this call; it may retire more, and must not throw.
    /// </summary>
    /// <param name="reclaim">How to get rid of it.</param>
    /// <param name="target">Handed to the callback.</param>
    /// <param name="value">Handed to the callback.</param>
    public void Retire(Action<object?, nuint> reclaim, object? target, nuint value)
    {
        EpochParticipant participant = Participant();
        List<RetiredItem>? reclaimable = null;
        int count = participant.Retire(new RetiredItem(reclaim, target, value), RetirementEpoch(), ref reclaimable);
        if (count % RetiredBeforeReclaim == 0 && TryAdvance())
        {
            participant.Collect(Epoch, ref reclaimable);
        }

        Reclaim(reclaimable);
    }

    /// <summary>
    /// Moves the epoch on if it can, and reclaims what all threads, idle and dead ones too, have retired long enough ago. Three calls at rest
    /// reclaim everything.
    /// </summary>
    /// <returns>How many items were reclaimed.</returns>
    public int Reclaim()
    {
        TryAdvance();
        List<RetiredItem>? reclaimable = null;
        ulong epoch = Epoch;
        foreach (EpochParticipant participant in Everybody())
        {
            participant.Collect(epoch, ref reclaimable);
        }

        Reclaim(reclaimable);
        return reclaimable?.Count ?? 0;
    }

    /// <summary>Reclaims everything. Nobody may be inside, or enter any more.</summary>
    /// <exception cref="InvalidOperationException">A live thread is inside.</exception>
    public void Dispose()
    {
        do
        {
            if (Everybody().Any(participant => participant.EnteredEpoch != 0 && !participant.IsDead))
            {
                throw new InvalidOperationException("An epoch domain is disposed while a thread is inside: dispose its guard first.");
            }

            Reclaim();
        }
        while (RetiredCount > 0);

        Atomic.StoreRelease(ref _disposed, 1);
    }

    /// <summary>
    /// Takes the epoch in which something that was unlinked just now is retired, for an owner who keeps his own lists of what waits. It can go when
    /// <see cref="Epoch"/> is <see cref="GraceEpochs"/> further.
    /// </summary>
    internal ulong RetirementEpoch()
    {
        Atomic.FullFence(); // [E2] pairs with [E1]
        return Epoch;
    }

    /// <summary>
    /// Waits until whatever was unlinked before the call can be held by nobody any more. Allocates nothing. The caller is outside, and nobody who is inside may wait for
    /// him.
    /// </summary>
    internal void AwaitGrace()
    {
        ulong end = RetirementEpoch() + GraceEpochs;
        var backoff = default(Backoff);
        while (Epoch < end)
        {
            if (!TryAdvance(sweep: false))
            {
                backoff.Wait();
            }
        }
    }

    /// <summary>Moves the epoch on by one if every live participant is outside or entered in the epoch that is now.</summary>
    /// <param name="sweep">Whether participants found dead are taken out, which takes managed memory.</param>
    internal bool TryAdvance(bool sweep = true)
    {
        ulong epoch = Epoch;
        bool foundDead = false;
        foreach (EpochParticipant participant in Atomic.LoadAcquire(ref _participants))
        {
            ulong entered = participant.EnteredEpoch;
            if (entered != 0 && entered != epoch)
            {
                if (!participant.IsDead)
                {
                    return false;
                }

                foundDead = true;
            }
        }

        if (foundDead && sweep)
        {
            SweepDead();
        }

        return Atomic.CompareExchange(ref _epoch, epoch, epoch + 1);
    }

    private static void Reclaim(List<RetiredItem>? items)
    {
        foreach (RetiredItem item in items ?? [])
        {
            item.Reclaim(item.Target, item.Value);
        }
    }

    private EpochParticipant Participant()
    {
        EpochParticipant? first = t_participants;
        return first?.Domain == this ? first : ParticipantSlow();
    }

    private EpochParticipant ParticipantSlow()
    {
        ObjectDisposedException.ThrowIf(Atomic.LoadAcquire(ref _disposed) != 0, this);
        EpochParticipant? found = null;
        EpochParticipant? rest = null;
        for (EpochParticipant? next, current = t_participants; current is not null; current = next)
        {
            // Takes the chain of this thread apart and puts it together again: without disposed domains, and with the one asked for in front.
            next = current.NextOfThread;
            if (current.Domain == this)
            {
                found = current;
            }
            else if (Atomic.LoadAcquire(ref current.Domain._disposed) == 0)
            {
                current.NextOfThread = rest;
                rest = current;
            }
        }

        found ??= Register();
        found.NextOfThread = rest;
        t_participants = found;
        return found;
    }

    private EpochParticipant Register()
    {
        var participant = new EpochParticipant(this, Thread.CurrentThread);
        using (_membership.EnterScope())
        {
            if (_participants.Length >= _sweepAt)
            {
                SweepDead();
                _sweepAt = int.Max(_sweepAt, 2 * _participants.Length);
            }

            Atomic.StoreRelease(ref _participants, [.. _participants, participant]);
        }

        return participant;
    }

    /// <summary>Takes dead threads out; what they retired waits on among the departed until it can go.</summary>
    private void SweepDead()
    {
        using (_membership.EnterScope())
        {
            ILookup<bool, EpochParticipant> byDeath = _participants.ToLookup(participant => participant.IsDead);
            Atomic.StoreRelease(ref _participants, [.. byDeath[false]]);
            _departed = [.. _departed.Concat(byDeath[true]).Where(participant => participant.CountRetired() > 0)];
        }
    }

    private EpochParticipant[] Everybody()
    {
        using (_membership.EnterScope())
        {
            return [.. _participants, .. _departed];
        }
    }
}
