// Purpose      bounds the threads that are left inside of foreign code which blocks for ever instead of giving a task.
// States       of a call: 0 begun; Returned; Overdue.
// Transitions  begun → Returned  by the thread of the call, when the foreign code has given its task or thrown.
//              begun → Overdue   by whoever waited for it, when its time is over; counted from here on.
//              Overdue → Returned by the thread of the call, which takes it out of the count.
// Ordering     one word a call, changed by compare-and-swap alone [C1], [C2], so that one of the two sees the other: the count goes up once and down once, or not
//              at all. It goes up [C3] before the call is overdue and down [C4] after, so that it is never below zero. No other memory is handed over by it.
// Reuse        a call is used once.
// Progress     wait-free but for the retry of the thread of the call, which meets one change at most.

namespace NativeMm.Primitives;

/// <summary>Counts calls whose thread has not come back in time. Thread-safe.</summary>
internal sealed class BlockedCalls
{
    /// <summary>So many threads at most are left inside.</summary>
    public const int Max = 32;

    private int _count;

    /// <summary>Threads that are inside and that nobody waits for any more.</summary>
    public int Count => Atomic.LoadAcquire(in _count);

    /// <summary>Whether no further thread is to be risked.</summary>
    public bool IsFull => Count >= Max;

    /// <summary>A call.</summary>
    /// <param name="calls">Where it is counted.</param>
    internal sealed class Call(BlockedCalls calls)
    {
        private const int Returned = 1;
        private const int Overdue = 2;
        private int _state;

        /// <summary>The thread came back. Called once.</summary>
        public void Return()
        {
            if (!Atomic.CompareExchange(ref _state, 0, Returned) && Atomic.CompareExchange(ref _state, Overdue, Returned)) // [C1]
            {
                Atomic.Add(ref calls._count, -1); // [C4]
            }
        }

        /// <summary>Nobody waits any more. Called once at most.</summary>
        public void GiveUp()
        {
            // Counted first: the thread may come back at any moment, and takes back what was counted.
            Atomic.Add(ref calls._count, 1); // [C3]
            if (!Atomic.CompareExchange(ref _state, 0, Overdue)) // [C2]
            {
                Atomic.Add(ref calls._count, -1); // [C4]
            }
        }
    }
}
