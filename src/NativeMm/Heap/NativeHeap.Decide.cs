using System.Diagnostics.CodeAnalysis;
using NativeMm.Diagnostics;
using NativeMm.Primitives;

namespace NativeMm.Heap;

/// <content>
/// The decision that the heap ends: one thread makes it, and calls the leak handler of the program; whoever else ends the heap waits until it is through, unless he is that handler.
/// </content>
public sealed unsafe partial class NativeHeap
{
    private bool _isClosing;

    // The thread that ends the heap, until its memory went back or is about to in the background; 0 for none.
    private int _endingThread;

    // What the checked mode found, when the release was stopped before it was thrown.
    private Exception? _untold;

    /// <summary>Whether the calling thread is ending the heap, such as inside of a leak handler.</summary>
    internal bool IsEndingHere => Atomic.LoadAcquire(in _endingThread) == Environment.CurrentManagedThreadId;

    /// <summary>
    /// Every verb ends in a refusal from here on, and threads forget their caches; the memory stays until <see cref="Release"/>. For a runtime that ends in the background.
    /// </summary>
    internal void CloseEarly()
    {
        // Whoever frees what he forgot is out, and finds the heap gone from here on.
        _end.Close();
        using (_upkeepLock.EnterScope())
        {
            if (!_disposed)
            {
                _isClosing = true;
                _caches.Clear();
            }
        }
    }

    /// <summary>Ends the heap, once. Who does it says when it is decided what becomes of the memory.</summary>
    private bool TryDecide()
    {
        // Before the upkeep lock, which a guest may want.
        _end.Close();
        using (_upkeepLock.EnterScope())
        {
            bool first = !_disposed;
            Invariant.Assert(_end.IsClosed && (!first || _endingThread == 0), $"Thread {_endingThread} ends a heap already that nobody ended.");
            _disposed = true;
            if (first)
            {
                Atomic.StoreRelease(ref _endingThread, Environment.CurrentManagedThreadId);
            }

            return first;
        }
    }

    private void NoteDecision(bool first)
    {
        if (first)
        {
            Invariant.Assert(IsEndingHere, "A thread says that a heap has ended, and another one ends it.");
            Atomic.StoreRelease(ref _endingThread, 0);
        }
    }

    /// <summary>Waits until somebody else is through who ends the heap; a handler that he calls does not wait for himself.</summary>
    private void AwaitDecision()
    {
        var backoff = default(Backoff);
        while (Atomic.LoadAcquire(in _endingThread) != 0 && !IsEndingHere)
        {
            backoff.Wait();
        }
    }

    [SuppressMessage("Design", "CA1031:Do not catch general exception types", Justification = "It reaches whoever waits, when the memory went back.")]
    private Exception? CheckAtEnd()
    {
        try
        {
            _checked?.Dispose();
            return null;
        }
        catch (Exception failure)
        {
            return failure;
        }
    }
}
