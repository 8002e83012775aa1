// Purpose      mutual exclusion for sections that may last: a lock whose waiters sleep, never throw, and allocate nothing.
// States       _owner: 0 free, else the managed id of the thread that holds it. _depth: how often the holder entered beyond the first time.
// Transitions  0 → id CAS by whoever enters; id → 0 release store by the holder.
// Ownership    _owner | anybody | CAS, release store by the holder. _depth | the holder only | plain.
// Ordering     [M1] a successful CAS is at least an acquire and pairs with [M2], the release store in Exit. Only the thread itself writes its own id,
//              so the plain look for it in Enter cannot be fooled by a stale value.
// Reuse        ids of dead threads come again; a thread that dies while it holds the lock would hand it to its namesake. Scopes end in finally blocks.
// Progress     blocking, not fair; a waiter looks again after at most about a millisecond. `lock` and Monitor are no choice here: their waits
//              throw when somebody calls Thread.Interrupt, and the first contention allocates managed memory.
// Source       the sleeping lock of xv6; the wait is Backoff's.

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
    private int _owner;
    private int _depth;

    /// <summary>Whether the calling thread holds the lock.</summary>
    public readonly bool IsHeldByCurrentThread => Atomic.LoadAcquire(in _owner) == Environment.CurrentManagedThreadId;

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

    /// <summary>Takes the lock if nobody else holds it.</summary>
    public bool TryEnter()
    {
        int self = Environment.CurrentManagedThreadId;
        if (Atomic.CompareExchange(ref _owner, 0, self)) // [M1] pairs with [M2]
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
        do
        {
            backoff.Wait();
        }
        while (Atomic.LoadAcquire(ref _owner) != 0 || !TryEnter());
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
