// Purpose      mutual exclusion for sections that may last: a lock whose waiters sleep, never throw, and allocate nothing, and that everybody gets.
// States       _owner: 0 free, else the managed id of the thread that holds it. _depth: how often the holder entered beyond the first time.
//              _drawn, _served: tickets of those who waited for too long, how many were drawn and how many had their turn. Equal: the line is empty,
//              and whoever comes first takes the lock. Else it is for the ticket _served alone, and all others stand back.
// Transitions  0 → id CAS by whoever enters; id → 0 release store by the holder. _drawn + 1 by a waiter who looked in vain LooksMax times; _served + 1 by
//              the one whose turn it was, when he has the lock.
// Ownership    _owner | anybody | CAS, release store by the holder. _depth | the holder only | plain. _drawn | waiters | add; acquire.
//              _served | the holder whose ticket it is | release store; acquire.
// Ordering     [M1] a successful CAS is at least an acquire and pairs with [M2], the release store in Exit. Only the thread itself writes its own id,
//              so the plain look for it in TryEnter cannot be fooled by a stale value.
//              The line orders nothing and keeps nobody out: _owner does. Who saw it empty a moment before a ticket was drawn may still be first, once.
// Reuse        ids of dead threads come again; a thread that dies while it holds the lock would hand it to its namesake. Scopes end in finally blocks.
//              Tickets wrap around; they are compared for equality, and fewer threads wait than there are tickets.
// Progress     blocking; nobody starves. A waiter looks again after at most about a millisecond, and after LooksMax looks draws a ticket: then at most those
//              go before him who drew before, and each thread that was on its way in at that moment, once. A thread that takes the lock in a loop
//              waits with the others then, about a millisecond for each turn of the line, which is the price of the turn. A waiter with a ticket who is not
//              given a core delays all, as a holder does. `lock` and Monitor are no choice here: their waits throw when somebody calls Thread.Interrupt,
//              and the first contention allocates managed memory.
// Source       the sleeping lock of xv6; the wait is Backoff's. The line for those who waited too long: the hand-off of Linux's mutex, by the tickets of
//              Mellor-Crummey and Scott.

using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace NativeMm.Primitives;

/// <summary>
/// A recursive lock for long sections. Waiting for it cannot be interrupted: an interrupt stays pending for the caller's next own wait. A mutable
/// struct: keep it in a field that is not readonly, and never copy it.
/// </summary>
internal struct SleepLock
{
    // Looks in vain before a ticket: all pauses and yields of a wait, and some forty sleeps of a millisecond. A turn of the line leaves the lock idle for
    // about one of them, so threads that want nothing but the lock lose a fortieth of it to each that waits.
    private const int LooksMax = 64;

    private int _owner;
    private int _depth;
    private int _drawn;
    private int _served;

    /// <summary>Whether the calling thread holds the lock.</summary>
    public readonly bool IsHeldByCurrentThread => Atomic.LoadAcquire(in _owner) == Environment.CurrentManagedThreadId;

    /// <summary>Waiters who have a ticket, so that nobody may overtake them. A hint: the two words are of two moments.</summary>
    internal readonly int Line => Atomic.LoadAcquire(in _drawn) - Atomic.LoadAcquire(in _served);

    /// <summary>Takes the lock, waiting as long as it takes; to be used with <c>using</c>.</summary>
    /// <returns>What gives the lock up when it is disposed.</returns>
    [UnscopedRef]
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Scope EnterScope()
    {
        Enter();
        return new Scope(ref this);
    }

    /// <summary>Takes the lock, waiting as long as it takes.</summary>
    public void Enter()
    {
        if (!TryEnter())
        {
            EnterContended();
        }
    }

    /// <summary>Takes the lock if nobody else holds it, nor has waited for it for long.</summary>
    public bool TryEnter()
    {
        int self = Environment.CurrentManagedThreadId;
        if (Line == 0 && Atomic.CompareExchange(ref _owner, 0, self)) // [M1] pairs with [M2]
        {
            return true;
        }

        if (Atomic.LoadRelaxed(in _owner) != self)
        {
            return false;
        }

        _depth++;
        return true;
    }

    /// <summary>Gives the lock up, once for each time that it was taken. Only the holder may call it.</summary>
    public void Exit()
    {
        Debug.Assert(IsHeldByCurrentThread, "Exit without Enter: this thread does not hold the lock.");
        if (_depth != 0)
        {
            _depth--;
            return;
        }

        Atomic.StoreRelease(ref _owner, 0); // [M2] pairs with [M1]
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void EnterContended()
    {
        var backoff = default(Backoff);
        for (int look = 0; look < LooksMax; look++)
        {
            backoff.Wait();
            if (Atomic.LoadAcquire(ref _owner) == 0 && TryEnter())
            {
                return;
            }
        }

        int self = Environment.CurrentManagedThreadId;
        int ticket = Atomic.Add(ref _drawn, 1) - 1;
        while (Atomic.LoadAcquire(ref _served) != ticket
            || Atomic.LoadAcquire(ref _owner) != 0
            || !Atomic.CompareExchange(ref _owner, 0, self)) // [M1] pairs with [M2]
        {
            backoff.Wait();
        }

        Atomic.StoreRelease(ref _served, ticket + 1);
    }

    /// <summary>A section under the lock.</summary>
    public readonly ref struct Scope
    {
        private readonly ref SleepLock _held;

        /// <summary>Begins the section of a lock that was just taken.</summary>
        public Scope(ref SleepLock held) => _held = ref held;

        /// <summary>Gives the lock up.</summary>
        public void Dispose() => _held.Exit();
    }
}
