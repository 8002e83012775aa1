// Purpose      EndGate for a door that many threads use all the time: each counts itself on a line of its own, and reads one that nobody writes before the end.
// States       _closed 0: open; 1: closed, guests left: nobody comes in, whoever closed waits. A stripe: guests of its threads that are inside.
//              Ended: closed and all stripes 0, for ever; the owner's memory may go.
// Transitions  enter: + 1 at the thread's stripe, then a look at _closed; taken back when it is closed.   exit: − 1 at the same stripe.
//              close: 0 → 1 by CAS; one closer wins.
// Ownership    field    | who writes            | who reads | how                                  | guard
//              _closed  | whoever closes        | anybody   | CAS; acquire, relaxed by guests      | none
//              a stripe | its threads           | closers   | locked operations; acquire           | none
// Ordering     [D3] the fence of a closer is one of every thread, between the end of coming in and his looks at the stripes [D4]: a guest who counted himself
//              [D1] before it in his own order is seen there, and one who did so later looks [D2] behind it, and finds the gate closed. The guest's own add
//              need not be a fence for that, and on arm64 it is none between itself and the look.
//              [D5] a guest's exit releases all that he touched, and pairs with [D4]: what is unmapped after that, no guest touches.
//              A stripe that was seen empty behind [D3] has no guest any more: who adds himself later sees the gate closed and takes himself back untouched.
//              So it is enough to see each stripe empty once, one after the other.
// Reuse        _closed never goes back to 0.
// Progress     entering and leaving are wait-free. Closing waits for the guests that are inside, and for those on their way out again; as with EndGate a guest
//              must not close the gate that he is in, nor wait for a lock under which somebody closes it.
// Source       the distributed reference count of percpu_ref in Linux; EndGate.

using System.Numerics;
using System.Runtime.CompilerServices;

namespace NativeMm.Primitives;

/// <summary>
/// Lets guests in until somebody closes it, who then knows that nobody is inside. Coming and going writes no line that another core reads, as long as there are no
/// more threads than stripes. Thread-safe.
/// </summary>
internal sealed class StripedEndGate
{
    private const int StripesMax = 64;

    private readonly PaddedWord[] _stripes;
    private int _closed;

    /// <summary>Makes an open gate.</summary>
    /// <param name="stripes">How many lines there are for guests, a power of two; two for each core by default, up to 64.</param>
    public StripedEndGate(int stripes = 0)
    {
        _stripes = new PaddedWord[stripes != 0 ? stripes : (int)uint.Min(BitOperations.RoundUpToPowerOf2((uint)Environment.ProcessorCount) * 2, StripesMax)];
        System.Diagnostics.Debug.Assert(BitOperations.IsPow2(_stripes.Length), "The stripes of a gate are found by a mask.");
    }

    /// <summary>Whether the gate was closed. True may come at any moment, and is final.</summary>
    public bool IsClosed => Atomic.LoadAcquire(in _closed) != 0;

    /// <summary>Guests inside, over all stripes, one after the other.</summary>
    public int Guests
    {
        get
        {
            int guests = 0;
            foreach (ref PaddedWord stripe in _stripes.AsSpan())
            {
                guests += (int)Atomic.LoadAcquire(in stripe.Value);
            }

            return guests;
        }
    }

    /// <summary>Bytes of the stripes.</summary>
    public long Bytes => (long)_stripes.Length * Unsafe.SizeOf<PaddedWord>();

    private ref ulong Own => ref _stripes[Environment.CurrentManagedThreadId & (_stripes.Length - 1)].Value;

    /// <summary>Enters, if the gate is open. Then <see cref="Exit"/> must follow on the same thread, on whatever path.</summary>
    public bool TryEnter()
    {
        ref ulong own = ref Own;
        Atomic.Add(ref own, 1); // [D1]
        if (Atomic.LoadRelaxed(in _closed) == 0) // [D2] behind [D1], pairs with [D3]
        {
            return true;
        }

        Atomic.Add(ref own, ulong.MaxValue);
        return false;
    }

    /// <summary>Leaves.</summary>
    public void Exit() => Atomic.Add(ref Own, ulong.MaxValue); // [D5] pairs with [D4]

    /// <summary>Lets nobody in any more, and does not wait.</summary>
    /// <returns>Whether the gate was open: of several who close it, one gets true.</returns>
    public bool TryClose() => Atomic.CompareExchange(ref _closed, 0, 1);

    /// <summary>Waits until the last guest is out of a closed gate.</summary>
    public void AwaitEmpty()
    {
        Atomic.ProcessWideFence(); // [D3] pairs with [D1], [D2]
        foreach (ref PaddedWord stripe in _stripes.AsSpan())
        {
            var backoff = default(Backoff);
            while (Atomic.LoadAcquire(in stripe.Value) != 0) // [D4] pairs with [D5]
            {
                backoff.Wait();
            }
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
        private readonly StripedEndGate _gate;

        /// <summary>Begins the stay of a guest who entered a moment ago.</summary>
        public Visit(StripedEndGate gate) => _gate = gate;

        /// <summary>Leaves.</summary>
        public void Dispose() => _gate.Exit();
    }
}
