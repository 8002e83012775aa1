using System.Diagnostics.CodeAnalysis;
using System.Runtime.ExceptionServices;
using NativeMm.Diagnostics;
using NativeMm.Primitives;

namespace NativeMm.Vmap;

/// <summary>
/// The pieces of one purge, cut into shares that the purging thread and its helpers claim one by one. Whoever claimed a share finishes it; helpers
/// that come too late find none left.
/// </summary>
internal sealed class PurgeWork
{
    private readonly VmapAllocator _allocator;
    private readonly int _helpers;
    private int _count;
    private int _shares;
    private int _batch;
    private long _pagesBeforeRelease;
    private int _claimed;
    private int _finished;
    private long _pages;
    private long _frames;
    private long _refusedPieces;
    private Exception? _failure;

    private PurgeWork(VmapAllocator allocator, int helpers) => (_allocator, _helpers) = (allocator, helpers);

    /// <summary>Makes the work of a purge with helpers, or null when there is no managed memory for it.</summary>
    /// <param name="allocator">Whose pieces they are.</param>
    /// <param name="helpers">Threads beside the purging one.</param>
    public static PurgeWork? TryMake(VmapAllocator allocator, int helpers)
    {
        try
        {
            return new PurgeWork(allocator, helpers);
        }
        catch (OutOfMemoryException)
        {
            return null;
        }
    }

    /// <summary>Does all of it and waits for shares that helpers are at, whatever becomes of them: they write to the same scratch.</summary>
    /// <param name="count">How many pieces.</param>
    /// <param name="batch">Pieces that go back in one hold of the lock of the free space; 0 for all.</param>
    /// <param name="pagesBeforeRelease">Pages that go back in the first hold at least, of all shares together.</param>
    public PurgeYield Run(int count, int batch, long pagesBeforeRelease)
    {
        Invariant.Assert(count > 0 && _claimed == 0 && _helpers > 0, $"A purge of {count} pieces is divided among {_helpers} helpers, and {_claimed} shares were taken before.");
        _count = count;
        _shares = int.Min(_helpers + 1, count);
        _batch = batch;
        _pagesBeforeRelease = pagesBeforeRelease / _shares;
        AskHelpers();
        TakeShares();
        var backoff = default(Backoff);
        while (Atomic.LoadAcquire(ref _finished) < _shares)
        {
            backoff.Wait();
        }

        Invariant.Assert(_finished == _shares, $"{_finished} shares of a purge were done, of {_shares}.");
        if (Atomic.LoadAcquire(ref _failure!) is { } failure)
        {
            ExceptionDispatchInfo.Throw(failure);
        }

        return new PurgeYield(Atomic.LoadAcquire(ref _pages), Atomic.LoadAcquire(ref _frames), Atomic.LoadAcquire(ref _refusedPieces));
    }

    private void AskHelpers()
    {
        try
        {
            for (int helper = 1; helper < _shares; helper++)
            {
                ThreadPool.UnsafeQueueUserWorkItem(static work => work.TakeShares(), this, preferLocal: false);
            }
        }
        catch (OutOfMemoryException)
        {
            // The purging thread does the shares that nobody else comes for.
        }
    }

    /// <summary>Takes shares until none is left. What goes wrong is told to the purging thread: on a thread of the pool it would end the process.</summary>
    [SuppressMessage("Design", "CA1031:Do not catch general exception types", Justification = "The purging thread throws it.")]
    private void TakeShares()
    {
        int number;
        while ((number = Atomic.Add(ref _claimed, 1) - 1) < _shares)
        {
            int first = (int)((long)_count * number / _shares);
            int end = (int)((long)_count * (number + 1) / _shares);
            try
            {
                Invariant.Assert(first < end && end <= _count, $"Share {number} of {_shares} has the pieces from {first} to {end}, of {_count}.");
                PurgeYield share = _allocator.PurgePieces(first, end - first, _batch, _pagesBeforeRelease);
                Atomic.Add(ref _pages, share.Pages);
                Atomic.Add(ref _frames, share.Frames);
                Atomic.Add(ref _refusedPieces, share.RefusedPieces);
            }
            catch (Exception failure)
            {
                Atomic.StoreRelease(ref _failure!, failure);
            }

            Atomic.Add(ref _finished, 1);
        }
    }
}
