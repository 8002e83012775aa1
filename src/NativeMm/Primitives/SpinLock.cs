// Purpose      mutual exclusion for short sections, inside unmanaged structures.
// States       _word: 0 free, 1 held.
// Transitions  0 → 1 CAS by whoever enters; 1 → 0 release store by the holder.
// Ownership    _word | anybody | CAS, release store by the holder. _statistics | the holder only | plain.
// Ordering     [L1] a successful CAS is at least an acquire on every architecture and pairs with [L2], the release store in Exit: the section
//              before is visible to the next. The load before the CAS in EnterContended only saves a write to a line that is held; a stale value
//              costs a round.
// Reuse        the word has no identity; there is nothing to fool.
// Progress     blocking; a stalled holder delays everybody. Waiters read before they try (no line stealing) and back off to the scheduler.
// Source       test-and-test-and-set with exponential backoff.

using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace NativeMm.Primitives;

/// <summary>
/// Test-and-test-and-set spin lock with backoff. A mutable struct: keep it in a field or in unmanaged memory and never copy it. Not recursive.
/// </summary>
/// <typeparam name="TStatistics">What the lock records about itself.</typeparam>
internal struct SpinLock<TStatistics>
    where TStatistics : unmanaged, ILockStatistics
{
    private int _word;
    private TStatistics _statistics;

    /// <summary>Whether somebody holds the lock at this moment.</summary>
    public bool IsHeld => Atomic.LoadAcquire(ref _word) != 0;

    /// <summary>What the lock recorded. Read it at rest, or under the lock, for a consistent picture.</summary>
    [UnscopedRef]
    public ref TStatistics Statistics => ref _statistics;

    /// <summary>Takes the lock, waiting as long as it takes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Enter()
    {
        if (!TryEnter())
        {
            EnterContended();
        }
    }

    /// <summary>Takes the lock if it is free.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryEnter()
    {
        if (!Atomic.CompareExchange(ref _word, 0, 1)) // [L1] pairs with [L2]
        {
            return false;
        }

        if (TStatistics.Enabled)
        {
            _statistics.Acquired(Stopwatch.GetTimestamp());
        }

        return true;
    }

    /// <summary>Gives the lock up. Only the holder may call it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Exit()
    {
        Debug.Assert(_word == 1, "Exit without Enter: the spin lock is not held.");
        if (TStatistics.Enabled)
        {
            _statistics.Releasing(Stopwatch.GetTimestamp());
        }

        Atomic.StoreRelease(ref _word, 0); // [L2] pairs with [L1]
    }

    /// <summary>Takes the lock after <see cref="TryEnter"/> was refused, waiting as long as it takes; counts as a contention.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public void EnterContended()
    {
        long waitedFrom = TStatistics.Enabled ? Stopwatch.GetTimestamp() : 0;
        var backoff = default(Backoff);
        do
        {
            backoff.Wait();
        }
        while (Atomic.LoadAcquire(ref _word) != 0 || !Atomic.CompareExchange(ref _word, 0, 1)); // [L1] pairs with [L2]

        if (TStatistics.Enabled)
        {
            _statistics.AcquiredAfterWait(waitedFrom, Stopwatch.GetTimestamp());
        }
    }
}
