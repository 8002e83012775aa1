// Purpose      mutual exclusion in the order of arrival, inside unmanaged structures.
// States       _next: the ticket that the next thread draws; _serving: the ticket whose owner holds the lock. Free when both are equal.
//              Both only grow; 64 bits do not wrap.
// Transitions  _next n → n + 1 by whoever arrives (atomic add, or CAS from TryEnter); _serving n → n + 1 by the holder.
// Ownership    _next | anybody | atomic add, CAS. _serving | the holder writes (release), everybody reads (acquire).
//              _statistics | the holder only.
// Ordering     [T1] the acquire load that finds one's own ticket pairs with [T2] the release store in Exit. In TryEnter the load comes before
//              the CAS: when the CAS finds _next still equal to the value of _serving that was loaded, nobody drew a ticket since, so the lock
//              was free all the time and the load is [T1].
// Progress     blocking and fair; a stalled holder and a preempted waiter at the head both delay everybody. Prefer SpinLock where threads
//              outnumber cores.
// Source       Mellor-Crummey and Scott, "Algorithms for scalable synchronization" (1991), ticket lock with proportional backoff.

using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace NativeMm.Primitives;

/// <summary>
/// Spin lock that serves threads in the order of their arrival. A mutable struct: keep it in a field or in unmanaged memory and never copy it.
/// Not recursive.
/// </summary>
/// <typeparam name="TStatistics">What the lock records about itself.</typeparam>
internal struct TicketLock<TStatistics>
    where TStatistics : unmanaged, ILockStatistics
{
    // Pauses for each thread that is ahead, and rounds of them before the scheduler is asked.
    private const int PausesPerTicket = 8;
    private const int PausesMax = 256;
    private const int RoundsMax = 16;

    private ulong _next;
    private ulong _serving;
    private TStatistics _statistics;

    /// <summary>Whether somebody holds the lock, or is about to, at this moment.</summary>
    public bool IsHeld => QueueLength != 0;

    /// <summary>Threads that hold the lock or wait for it at this moment. Exact only when none comes or goes.</summary>
    public ulong QueueLength
    {
        get
        {
            // In this order the difference cannot become negative: nobody is served before drawing a ticket.
            ulong serving = Atomic.LoadAcquire(ref _serving);
            return Atomic.LoadAcquire(ref _next) - serving;
        }
    }

    /// <summary>What the lock recorded. Read it at rest, or under the lock, for a consistent picture.</summary>
    [UnscopedRef]
    public ref TStatistics Statistics => ref _statistics;

    /// <summary>Takes the lock after all who came before.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Enter()
    {
        ulong ticket = Atomic.Add(ref _next, 1) - 1;
        if (Atomic.LoadAcquire(ref _serving) != ticket) // [T1] pairs with [T2]
        {
            EnterContended(ticket);
        }
        else if (TStatistics.Enabled)
        {
            _statistics.Acquired(Stopwatch.GetTimestamp());
        }
    }

    /// <summary>Takes the lock if nobody holds it and nobody waits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryEnter()
    {
        ulong serving = Atomic.LoadAcquire(ref _serving); // [T1] pairs with [T2]
        if (!Atomic.CompareExchange(ref _next, serving, serving + 1))
        {
            return false;
        }

        if (TStatistics.Enabled)
        {
            _statistics.Acquired(Stopwatch.GetTimestamp());
        }

        return true;
    }

    /// <summary>Gives the lock to the next in line. Only the holder may call it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Exit()
    {
        Debug.Assert(_serving != Atomic.LoadAcquire(ref _next), "Exit without Enter: the ticket lock is not held.");
        if (TStatistics.Enabled)
        {
            _statistics.Releasing(Stopwatch.GetTimestamp());
        }

        // The plain read is of the holder's own word: nobody else writes it.
        Atomic.StoreRelease(ref _serving, _serving + 1); // [T2] pairs with [T1]
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void EnterContended(ulong ticket)
    {
        long waitedFrom = TStatistics.Enabled ? Stopwatch.GetTimestamp() : 0;
        var scheduler = default(SpinWait);
        int rounds = Environment.ProcessorCount > 1 ? 0 : RoundsMax;
        ulong serving = Atomic.LoadAcquire(ref _serving); // [T1]
        while (serving != ticket)
        {
            if (rounds < RoundsMax)
            {
                Thread.SpinWait((int)ulong.Min((ticket - serving) * PausesPerTicket, PausesMax));
                rounds++;
            }
            else
            {
                // Never a timed sleep: everybody behind would sleep along.
                scheduler.SpinOnce(sleep1Threshold: -1);
            }

            serving = Atomic.LoadAcquire(ref _serving); // [T1]
        }

        if (TStatistics.Enabled)
        {
            _statistics.AcquiredAfterWait(waitedFrom, Stopwatch.GetTimestamp());
        }
    }
}
