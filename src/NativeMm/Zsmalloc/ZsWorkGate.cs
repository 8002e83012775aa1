// Purpose      lets work begin that the owner of a pool does not see (compaction by itself, shrinkers, background passes, migration), stops it for a
//              while, and ends it for good.
// States       bits 0..31   who is at work
//              bits 32..61  who wants rest: nobody begins, those who are at work end
//              bit 62       closed: nobody begins any more
//              _waiting     who waits for the end of a rest; before he is let in no rest begins, unless another lasts
// Transitions  TryEnter: +1, by CAS, only while nobody wants rest and it is open. Exit: −1. BeginRest, EndRest: ±2³². Close: sets the bit, once.
// Ordering     all are read-modify-writes of one word: whoever waits for rest or the end has set his part of it before he reads that nobody is at
//              work, and whoever begins after that sees it. Who waited counts as at work before he counts as waiting no more.
// Progress     blocking: for the end of the work that is under way. Rest is for checks, which begin no work themselves; several may rest together.

using NativeMm.Diagnostics;
using NativeMm.Primitives;

namespace NativeMm.Zsmalloc;

/// <summary>Who is at work in a pool without being called by its owner. Never copy it.</summary>
internal struct ZsWorkGate
{
    private const long AtWorkMask = uint.MaxValue;
    private const long Rest = 1L << 32;
    private const long Closed = 1L << 62;

    private long _word;
    private int _waiting;

    /// <summary>Begins work; waits while somebody wants rest.</summary>
    /// <returns>False once the gate is closed: then there is nothing to exit from.</returns>
    public bool TryEnter()
    {
        var backoff = default(Backoff);
        bool waits = false;
        long word;
        while ((word = Atomic.LoadAcquire(ref _word)) < Closed && !(word < Rest && Atomic.CompareExchange(ref _word, word, word + 1)))
        {
            if (word >= Rest && !waits)
            {
                waits = true;
                Atomic.Add(ref _waiting, 1);
            }

            backoff.Wait();
        }

        if (waits)
        {
            Atomic.Add(ref _waiting, -1);
        }

        return word < Closed;
    }

    /// <summary>Ends work.</summary>
    public void Exit()
    {
        Invariant.Assert((Atomic.LoadAcquire(ref _word) & AtWorkMask) != 0, "Somebody ends work in a pool where nobody is at work.");
        Atomic.Add(ref _word, -1);
    }

    /// <summary>Lets no work begin, and waits for what is under way, and first for those who wait since an earlier rest.</summary>
    public void BeginRest()
    {
        var backoff = default(Backoff);
        while (Atomic.LoadAcquire(ref _waiting) != 0 && Atomic.LoadAcquire(ref _word) < Rest)
        {
            backoff.Wait();
        }

        Atomic.Add(ref _word, Rest);
        AwaitEnd();
    }

    /// <summary>Lets work begin again, unless somebody else wants rest.</summary>
    public void EndRest()
    {
        Invariant.Assert((Atomic.LoadAcquire(ref _word) & ~Closed) >= Rest, "A rest ends that nobody wanted.");
        Atomic.Add(ref _word, -Rest);
    }

    /// <summary>Lets no work begin any more, and waits for what is under way. Once.</summary>
    public void Close()
    {
        Invariant.Assert(Atomic.LoadAcquire(ref _word) < Closed, "The gate of a pool is closed twice.");
        Atomic.Add(ref _word, Closed);
        AwaitEnd();
    }

    private void AwaitEnd()
    {
        var backoff = default(Backoff);
        while ((Atomic.LoadAcquire(ref _word) & AtWorkMask) != 0)
        {
            backoff.Wait();
        }
    }
}
