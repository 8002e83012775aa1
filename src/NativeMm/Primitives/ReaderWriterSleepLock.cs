// Purpose      many readers or one writer, for sections that last; neither side starves, and no wait throws or allocates.
// States       _arrived and _left count readers, in steps of 4. Bits 0 and 1 of _arrived: 0 without a writer, else 1 and the phase of the writer that is
//              inside or waits for the readers before him.
// Transitions  reader in: _arrived + 4, then he waits while the bits are those that he found there.   reader out: _left + 4.
//              writer in: the lock of the writers, bits set, then he waits until _left is what _arrived was.   writer out: bits cleared, lock given up.
// Ownership    field           | who writes              | who reads | how
//              _arrived, _left | readers, the writer     | the same  | locked operations, acquire
//              _phase          | holder of _writers      | the same  | plain
// Ordering     [R1] a writer's clearing of the bits is a full fence behind his section and pairs with [R2], the reader's look that finds other bits.
//              [R3] a reader's leaving is a full fence behind his section and pairs with [R4], the writer's look that finds all of them gone.
// Reuse        the counts wrap around and are compared for equality; fewer threads are inside than there are counts. A reader who waits for phase 0 goes
//              in when phase 1 comes: the writer of phase 1 counted him.
// Progress     blocking. A reader waits for one writer at most, a writer for the readers that came before him and for the writers that SleepLock lets in first.
//              A thread that dies inside stops all.
// Source       B. Brandenburg, J. Anderson, "Spin-based reader-writer synchronization for multiprocessor real-time systems" (2010), PF-T. Departs from it in
//              the writers' line, which is SleepLock's.

using System.Runtime.InteropServices;

namespace NativeMm.Primitives;

/// <summary>
/// A phase-fair reader-writer lock whose waits cannot be interrupted. Not recursive on either side. A mutable struct: keep it in a field that is not
/// readonly, and never copy it.
/// </summary>
[StructLayout(LayoutKind.Auto)]
internal struct ReaderWriterSleepLock
{
    private const uint Reader = 4;
    private const uint WriterBits = 3;
    private const uint Present = 1;
    private const uint PhaseBit = 2;

    private SleepLock _writers;
    private uint _phase;
    private uint _arrived;
    private uint _left;

    /// <summary>Whether a writer is inside, or waits for readers to leave. A hint: it may have changed since.</summary>
    public readonly bool HasWriter => (Atomic.LoadAcquire(in _arrived) & WriterBits) != 0;

    /// <summary>Enters as a reader, waiting for the writer that is there.</summary>
    public void EnterRead()
    {
        uint found = (Atomic.Add(ref _arrived, Reader) - Reader) & WriterBits;
        if (found != 0)
        {
            AwaitPhase(found);
        }
    }

    /// <summary>Leaves as a reader.</summary>
    public void ExitRead() => Atomic.Add(ref _left, Reader); // [R3] pairs with [R4]

    /// <summary>Enters as the writer, waiting for whoever is inside.</summary>
    public void EnterWrite()
    {
        _writers.Enter();
        _phase ^= PhaseBit;
        uint bits = Present | _phase;
        uint before = Atomic.Add(ref _arrived, bits) - bits;
        var backoff = default(Backoff);
        while (Atomic.LoadAcquire(ref _left) != before) // [R4] pairs with [R3]
        {
            backoff.Wait();
        }
    }

    /// <summary>Leaves as the writer.</summary>
    public void ExitWrite()
    {
        Atomic.And(ref _arrived, ~WriterBits); // [R1] pairs with [R2]
        _writers.Exit();
    }

    private void AwaitPhase(uint found)
    {
        var backoff = default(Backoff);
        while ((Atomic.LoadAcquire(ref _arrived) & WriterBits) == found) // [R2] pairs with [R1]
        {
            backoff.Wait();
        }
    }
}
