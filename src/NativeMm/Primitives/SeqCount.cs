// Purpose      readers take a consistent copy of several words without writing anything; a writer never waits for them.
// States       _version even: at rest; odd: a writer is between BeginWrite and EndWrite.
// Transitions  even → odd → next even, both by the writer, who alone may write (a lock of its own sees to that).
// Ownership    _version | the writer (stores) | readers | acquire, fence | the writer's lock.
// Ordering     [S1] the reader's acquire load of an even version pairs with [S4] the writer's release store: the reader sees all that the write
//              before wrote. [S2] the writer's fence after the odd version, and [S3] the reader's fence before its second look, pair: a reader
//              that saw any word of a write that was under way sees the odd version, or a later one, on its second look.
// Reuse        a reader would have to sleep through 2⁶³ writes to be fooled.
// Progress     the writer is wait-free. Readers retry while writers write; a stalled writer delays readers of Read…, TryBeginRead tells them.
// Source       seqcount_t of the Linux kernel; H.-J. Boehm, "Can seqlocks get along with programming language memory models?" (2012).

using System.Runtime.CompilerServices;

namespace NativeMm.Primitives;

/// <summary>
/// Version of a group of words, for reads without a lock. What is read between begin and validation may be torn: copy it, do not follow it.
/// A mutable struct: keep it in a field or in unmanaged memory and never copy it.
/// </summary>
internal struct SeqCount
{
    private ulong _version;

    /// <summary>The version now; odd while a writer is inside.</summary>
    public readonly ulong Version => Atomic.LoadAcquire(in _version);

    /// <summary>Begins a read unless a writer is inside.</summary>
    /// <param name="version">What to hand to <see cref="IsUnchanged"/>.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly bool TryBeginRead(out ulong version)
    {
        version = Atomic.LoadAcquire(in _version); // [S1] pairs with [S4]
        return (version & 1) == 0;
    }

    /// <summary>Begins a read, waiting for a writer that is inside.</summary>
    public readonly ulong BeginRead()
    {
        var backoff = default(Backoff);
        ulong version;
        while (!TryBeginRead(out version))
        {
            backoff.Wait();
        }

        return version;
    }

    /// <summary>Ends a read: whether everything read since the begin belongs together.</summary>
    /// <param name="version">What the begin of the read gave.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly bool IsUnchanged(ulong version)
    {
        Atomic.ReadFence(); // [S3] pairs with [S2]
        return Atomic.LoadAcquire(in _version) == version;
    }

    /// <summary>Begins a write. The caller holds the lock that keeps other writers out.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void BeginWrite()
    {
        // The plain read is of a word that only this writer writes.
        Atomic.StoreRelease(ref _version, _version + 1);
        Atomic.WriteFence(); // [S2] pairs with [S3]
    }

    /// <summary>Ends a write.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void EndWrite() => Atomic.StoreRelease(ref _version, _version + 1); // [S4] pairs with [S1]
}
