using System.Diagnostics.CodeAnalysis;
using System.Runtime.ExceptionServices;
using NativeMm.Diagnostics;
using NativeMm.Primitives;
using NativeMm.Teardown;
using StackPages = NativeMm.Platform.StackPages<NativeMm.Heap.ThreadCache>;

namespace NativeMm.Heap;

/// <content>
/// Giving everything back at the end. First it is decided: nobody comes in any more, and every thread forgets its cache. What is left is memory that nobody can use,
/// large blocks and slabs, which goes back in steps, here or in the background. Until the last of it is gone the heap stays in the list of its space, whose
/// end finishes what others began.
/// </content>
public sealed unsafe partial class NativeHeap
{
    // Over the begin of a release in steps, and over one that its caller waits for.
    private SleepLock _releaseLock;
    private HeapRelease? _release;
    private Task? _releaseTask;
    private bool _isReleased;

    // Bytes of blocks whose owner has ended and gives them back in steps: the heap's part of what the ledger has.
    private long _releasingBlockBytes;

    /// <summary>
    /// Ends the heap as <see cref="Dispose"/> does, and gives its memory back in the background: what is decided is decided when this returns, in a time that does not
    /// depend on how much there is.
    /// </summary>
    /// <returns>Ends when all memory is back.</returns>
    public ValueTask DisposeAsync() => new(DisposeAsync(progress: null));

    /// <summary>
    /// <see cref="DisposeAsync()"/>, observed and stoppable. What is not given back yet is <c>ReleasingBytes</c> in the statistics of the runtime.
    /// </summary>
    /// <param name="progress">Is told how far it is, about once a step time, on a thread of the release; null for nobody. In there another end of the heap does not wait.</param>
    /// <param name="cancellationToken">
    /// Stops the release between two steps; before the begin, nothing is done. The heap has ended all the same, and what is left goes with the next call of this or
    /// of <see cref="Dispose"/>, or with the runtime.
    /// </param>
    /// <returns>
    /// Ends when all memory is back. It fails by what the checked mode found, as <see cref="Dispose"/> throws it, or by what the progress threw; the memory went back
    /// before.
    /// </returns>
    public Task DisposeAsync(IProgress<TeardownProgress>? progress, CancellationToken cancellationToken = default)
    {
        if (_isShared)
        {
            return Task.CompletedTask;
        }

        if (cancellationToken.IsCancellationRequested)
        {
            return Task.FromCanceled(cancellationToken);
        }

        if (_options.Pages is not { } pages)
        {
            Release();
            return Task.CompletedTask;
        }

        // All that takes managed memory comes first.
        pages.Prepare();
        HeapRelease release = PrepareRelease(pages);
        if (release.IsReportingHere)
        {
            return _releaseTask ?? Task.CompletedTask;
        }

        var end = new ReleaseEnd(release, progress, cancellationToken);
        bool first = TryDecide();
        if (!first)
        {
            AwaitDecision();
        }

        try
        {
            end.Failure = first ? CheckAtEnd() : null;
            using (_releaseLock.EnterScope())
            {
                return BeginRelease(release, end);
            }
        }
        finally
        {
            NoteDecision(first);
        }
    }

    /// <summary>
    /// What <see cref="Dispose"/> does, for the runtime that owns the shared heap as well. Waits for finalizers and passes that are inside, for somebody else who ends it, and for
    /// a release in the background, which it helps. A listener of that release, for which it would wait, finds nothing to do.
    /// </summary>
    /// <exception cref="OperationCanceledException">Whoever looks on stopped it.</exception>
    internal void Release()
    {
        bool first = TryDecide();
        if (!first)
        {
            if (Atomic.LoadAcquire(ref _release!) is { IsReportingHere: true })
            {
                return;
            }

            AwaitDecision();
        }

        Exception? found = null;
        try
        {
            // Without the lock: it calls the program's leak handler.
            found = first ? CheckAtEnd() : Atomic.Exchange(ref _untold!, null!);
            ReleaseMemory();
        }
        catch (OperationCanceledException)
        {
            _untold = found;
            throw;
        }
        finally
        {
            NoteDecision(first);
        }

        if (first)
        {
            TellFaults();
        }

        if (found is not null)
        {
            ExceptionDispatchInfo.Throw(found);
        }
    }

    /// <summary>Who gives much memory back at once, or null.</summary>
    internal PageRelease? Pages => _options.Pages;

    /// <summary>Bytes of large blocks, and of those kept for reuse, that are not given back yet.</summary>
    internal ulong LargeBytesLeft => _release is { IsBegun: true } release ? release.BytesLeft.Mapped : _large.MappedBytes;

    /// <summary>Bytes that nobody can use any more and that are not given back yet: of frames, and beside the zone.</summary>
    internal (ulong Frames, ulong Mapped) ReleasingBytes => _release?.BytesLeft ?? default;

    /// <summary>Makes what a release in steps needs, where managed memory may be allocated.</summary>
    private HeapRelease PrepareRelease(PageRelease pages)
    {
        if (Atomic.LoadAcquire(ref _release!) is null)
        {
            Atomic.CompareExchange(ref _release!, null!, new HeapRelease(this, _large, pages));
        }

        return _release;
    }

    /// <summary>The same ahead of time, for a heap whose large blocks are worth it; without memory for it the end makes do without.</summary>
    private void PrepareReleaseIfWorth()
    {
        if (_release is null && _options.Pages is { } pages && pages.IsWorth(_large.MappedBytes))
        {
            try
            {
                pages.Prepare();
                PrepareRelease(pages);
            }
            catch (OutOfMemoryException)
            {
                // The next large block tries again.
            }
        }
    }

    /// <summary>Gives everything back that was not given back yet: helps a release in steps that was begun before, or goes on with one that was stopped.</summary>
    private void ReleaseMemory()
    {
        using (_releaseLock.EnterScope())
        {
            Invariant.Assert(_disposed && _end.IsClosed, "The memory of a heap goes back, which has not ended.");
            if (_isReleased)
            {
                return;
            }

            if (_release is { IsBegun: true } begun)
            {
                begun.Workers.Finish(begun, _options.Pages!.WatchHere);
            }
            else if (_release is { } release && release.IsWorth(SlabBytes()))
            {
                DecideMemory(release);
                _options.Pages!.Run(release);
            }
            else
            {
                ReleaseAtOnce();
            }

            _isReleased = true;
        }
    }

    /// <summary>Gives everything back in one go.</summary>
    private void ReleaseAtOnce()
    {
        Invariant.Assert(_releaseLock.IsHeldByCurrentThread && !_isReleased, "The memory of a heap goes back twice, or without the lock of its release.");
        using (_upkeepLock.EnterScope())
        {
            ForgetCaches(out long slabs);
            ReleaseSlabs(0, _space.GranulesUsed, ref slabs);
            ReleaseRest();
        }
    }

    /// <summary>Begins a release in the background or goes on with it, or makes it at once where it is not worth one, or nobody would do it.</summary>
    private Task BeginRelease(HeapRelease release, ReleaseEnd end)
    {
        Invariant.Assert(_releaseLock.IsHeldByCurrentThread && ReferenceEquals(release, _release), "A release is begun beside the heap's own, or without its lock.");
        if (_isReleased)
        {
            return end.CompleteNow();
        }

        if (release.IsBegun)
        {
            return ContinueRelease(release, end);
        }

        if (!release.IsWorth(SlabBytes()))
        {
            ReleaseAtOnce();
            _isReleased = true;
            return end.CompleteNow();
        }

        DecideMemory(release);
        return _releaseTask = end.Begin();
    }

    private Task ContinueRelease(HeapRelease release, ReleaseEnd end)
    {
        Invariant.Assert(release.IsBegun && _releaseLock.IsHeldByCurrentThread, "A release goes on that was not begun, or without its lock.");
        if (release.Phase != JobPhase.Abandoned)
        {
            end.Forget();

            // Where one that was stopped was gone on with by Dispose, the task of the stopped one says nothing any more.
            return _releaseTask is { IsCanceled: false } task ? task : Task.CompletedTask;
        }

        release.BeginAgain();
        return _releaseTask = end.Begin();
    }

    private void DecideMemory(HeapRelease release)
    {
        Invariant.Assert(_disposed && !release.IsBegun, "The memory of a heap is counted that lives, or a second time.");
        ulong slabBytes = SlabBytes();
        using (_upkeepLock.EnterScope())
        {
            ForgetCaches(out long slabs);
            release.Begin(slabs, slabs == 0 ? 0 : slabBytes, _space.GranulesUsed);
        }
    }

    /// <summary>Nobody finds anything of the heap any more.</summary>
    /// <param name="slabs">Slabs to give back: none where the whole zone goes.</param>
    private void ForgetCaches(out long slabs)
    {
        Invariant.Assert(_end.IsClosed && _upkeepLock.IsHeldByCurrentThread, "Caches are forgotten while somebody may come in, or without the upkeep lock.");
        Invariant.Assert(_releasingBlockBytes >= 0, $"Blocks of a heap have {_releasingBlockBytes} bytes left to give back.");

        // The gate is closed: nobody changes it any more.
        _options.Pages?.Workers.Ledger.AddReleasingBlocks(-_releasingBlockBytes);
        _releasingBlockBytes = 0;
        _space.Frames.RemoveShrinker(this);
        _caches.Clear();
        slabs = 0;
        foreach (Depot depot in _depots)
        {
            slabs += depot.GetStatistics().Slabs;
            depot.Clear();
        }

        slabs = _space.IsEnding ? 0 : slabs;
    }

    /// <summary>Accounts blocks whose owner has ended and will free them, and takes them off as they are freed. After the end of the heap they are nobody's.</summary>
    internal void NoteReleasingBlocks(long bytes)
    {
        if (_options.Pages is { } pages && _end.TryEnter())
        {
            Atomic.Add(ref _releasingBlockBytes, bytes);
            Invariant.Assert(Atomic.LoadAcquire(in _releasingBlockBytes) >= 0, $"More bytes of blocks are given back than were left: {bytes}.");
            pages.Workers.Ledger.AddReleasingBlocks(bytes);
            _end.Exit();
        }
    }

    /// <summary>Bytes of all slabs; exact when nobody makes or frees any.</summary>
    private ulong SlabBytes()
    {
        ulong bytes = 0;
        foreach (Depot depot in _depots)
        {
            bytes += depot.SlabBytes;
        }

        return bytes;
    }

    /// <summary>Gives the slabs back that begin between two granules, unless all were found already: none is looked for in a heap that is empty.</summary>
    /// <returns>Frames that became free.</returns>
    internal long ReleaseSlabs(uint granule, uint end, ref long slabsLeft)
    {
        long frames = 0;
        for (; granule < end && Atomic.LoadAcquire(in slabsLeft) > 0; granule++)
        {
            nuint sizeClass = _space.OwnerAt(granule) ^ _tag;
            if (sizeClass < SizeClass.Count)
            {
                ref readonly SlabGeometry geometry = ref SlabGeometry.Of(new SizeClass((int)sizeClass));
                _space.FreeSlab(granule, in geometry);
                frames += geometry.Frames;
                Atomic.Add(ref slabsLeft, -1);
                Invariant.Assert(Atomic.LoadAcquire(in slabsLeft) >= 0, $"The slab at granule {granule} is one more than the heap has.");
            }
        }

        return frames;
    }

    /// <summary>Gives back what is left when the slabs are gone, and the pages of large blocks may be.</summary>
    internal void ReleaseRest()
    {
        Invariant.Assert(_disposed && _isOnStack == (_slot < 0), $"The rest of a heap goes back that lives, or whose place is {_slot}.");
        _sampled?.Release();
        _profile?.RemoveAll(_tag);
        _large.Dispose();
        if (_isOnStack)
        {
            ForgetOwnCache();
        }

        _metadata.Dispose();
        _space.RemoveHeap(this);
        if (_isOnStack)
        {
            if (ReferenceEquals(this, s_shared))
            {
                StackPages.End();
            }
        }
        else
        {
            ThreadHeaps.ReturnSlot(_slot);
            _slot = -1;
            _space.ReturnTag(_tag);
        }
    }

    /// <summary>
    /// Of all threads only the one that finalizes can still come, because the load context is gone: neither its pointer nor the pages of its stack may lead to memory that goes now.
    /// </summary>
    private static void ForgetOwnCache()
    {
        ThreadCache* cache = SharedHeapThread.t_cache;
        if (cache != null)
        {
            StackPages.Forget(cache);
            SharedHeapThread.t_cache = null;
        }
    }
}
