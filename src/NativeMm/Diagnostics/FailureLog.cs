// Purpose      what became of work in the background that ended with an exception: counted, and the last one in words.
// Ownership    field             | who writes                | who reads      | how
//              count, text       | threads that work         | statistics     | add; release, acquire; the text first, so that a count has its text
// Progress     Note never throws: without managed memory for the words the count alone tells. The event leaves on the failed thread, outside of
//              every lock of the library, because an exception passed all of them.

using System.Diagnostics.CodeAnalysis;
using NativeMm.Primitives;

namespace NativeMm.Diagnostics;

/// <summary>Failures of one kind of background work. Thread-safe.</summary>
/// <param name="worker">Whose, in the event.</param>
internal sealed class FailureLog(string worker)
{
    private long _count;
    private string? _last;

    /// <summary>How many there were.</summary>
    public long Count => Atomic.LoadAcquire(ref _count);

    /// <summary>What the last of them said, or null.</summary>
    public string? Last => Atomic.LoadAcquire(ref _last!);

    /// <summary>Counts a failure, writes it down and leaves an event. Never throws.</summary>
    [SuppressMessage("Design", "CA1031:Do not catch general exception types", Justification = "What tells of a failure must not end the process that survived it.")]
    public void Note(Exception failure)
    {
        bool isCounted = false;
        try
        {
            string text = FailureText.Of(failure);
            Atomic.StoreRelease(ref _last!, text);
            Atomic.Add(ref _count, 1);
            isCounted = true;
            NativeMmEventSource.Log.BackgroundPassFailed(worker, text);
        }
        catch (Exception)
        {
            // No managed memory for the words.
            Atomic.Add(ref _count, isCounted ? 0 : 1);
        }
    }
}
