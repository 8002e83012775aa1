// Purpose      one end for whatever owns native memory, beside those who come uninvited: finalizers, meters, event listeners, pool threads, passes.
// States       _word = guests inside | ClosedBit. Open: guests come and go. Closed, guests left: nobody comes in, whoever closed waits.
//              Ended: closed and empty, for ever; the owner's memory may go.
// Transitions  enter: + 1, taken back when the bit was set.   exit: − 1.   close: the bit, by CAS; one closer wins.
// Ownership    field  | who writes                   | who reads | how                | guard
//              _word  | guests, whoever closes       | the same  | locked operations  | none
// Ordering     [E1] a guest's exit is a full fence behind all that he touched, and pairs with [E2], the closer's look that finds nobody inside: what is
//              unmapped after that, no guest touches. [E3] a guest who saw no bit was counted before the bit came, in the one order of the
//              operations on the word, so the closer waits for him.
// Reuse        the bit never goes away again.
// Progress     entering and leaving are wait-free. Closing waits for the guests that are inside, so a guest must not close the gate that he is in, nor
//              wait for a lock under which somebody closes it.
// Source       run-down protection of the NT kernel (ExAcquireRundownProtection), percpu_ref_kill of Linux.

using System.Diagnostics.CodeAnalysis;

namespace NativeMm.Primitives;

/// <summary>
/// Lets guests in until somebody closes it, who then knows that nobody is inside. A mutable struct: a field, never a copy. Thread-safe.
/// </summary>
/// <remarks>
/// Those who were invited, and must not overlap the end by contract, need not enter: they look at <see cref="IsClosed"/> off their hot path, to say
/// that what they want is gone.
/// </remarks>
internal struct EndGate
{
    private const int ClosedBit = 1 << 30;

    private int _word;

    /// <summary>Whether the gate was closed. True may come at any moment, and is final.</summary>
    public readonly bool IsClosed => (Atomic.LoadAcquire(in _word) & ClosedBit) != 0;

    /// <summary>Guests inside at this moment.</summary>
    public readonly int Guests => Atomic.LoadAcquire(in _word) & ~ClosedBit;

    /// <summary>Enters, if the gate is open. Then <see cref="Exit"/> must follow, on whatever path.</summary>
    public bool TryEnter()
    {
        if ((Atomic.Add(ref _word, 1) & ClosedBit) == 0) // [E3]
        {
            return true;
        }

        Exit();
        return false;
    }

    /// <summary>Enters, or says that the owner is gone; to be used with <c>using</c>.</summary>
    /// <param name="owner">Whose gate it is.</param>
    /// <returns>What leaves when it is disposed.</returns>
    /// <exception cref="ObjectDisposedException">The gate is closed.</exception>
    [UnscopedRef]
    public Visit Visiting(object owner)
    {
        ObjectDisposedException.ThrowIf(!TryEnter(), owner);
        return new Visit(ref this);
    }

    /// <summary>Leaves.</summary>
    public void Exit() => Atomic.Add(ref _word, -1); // [E1] pairs with [E2]

    /// <summary>Lets nobody in any more, and does not wait.</summary>
    /// <returns>Whether the gate was open: of several who close it, one gets true.</returns>
    public bool TryClose()
    {
        int word;
        do
        {
            word = Atomic.LoadAcquire(in _word);
            if ((word & ClosedBit) != 0)
            {
                return false;
            }
        }
        while (!Atomic.CompareExchange(ref _word, word, word | ClosedBit));

        return true;
    }

    /// <summary>Waits until the last guest is out of a closed gate.</summary>
    public readonly void AwaitEmpty()
    {
        var backoff = default(Backoff);
        while (Guests != 0) // [E2] pairs with [E1]
        {
            backoff.Wait();
        }
    }

    /// <summary>Closes the gate and waits for the guests inside.</summary>
    /// <returns>Whether the gate was open: of several who close it, one gets true. When this returns, nobody is inside for any of them.</returns>
    public bool Close()
    {
        bool first = TryClose();
        AwaitEmpty();
        return first;
    }

    /// <summary>A stay inside.</summary>
    public readonly ref struct Visit
    {
        private readonly ref EndGate _gate;

        /// <summary>Begins the stay of a guest who entered a moment ago.</summary>
        public Visit(ref EndGate gate) => _gate = ref gate;

        /// <summary>Leaves.</summary>
        public void Dispose() => _gate.Exit();
    }
}
