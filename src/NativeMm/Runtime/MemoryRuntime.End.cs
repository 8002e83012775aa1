using System.Diagnostics.CodeAnalysis;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using NativeMm.AddressSpaces;
using NativeMm.Diagnostics;
using NativeMm.Frames;
using NativeMm.Heap;
using NativeMm.Primitives;
using NativeMm.Teardown;
using NativeMm.Zsmalloc;

namespace NativeMm.Runtime;

/// <content>The end: by Dispose, or because nobody knows the runtime any more.</content>
public sealed partial class MemoryRuntime
{
    // Lives as long as the load context of the library: a runtime that is finalized and cannot see it any more is one of a context that is gone.
    private static readonly object s_loadContext = new();

    // No WeakReference: that has a finalizer, and forgets what it refers to with it.
    private SleepLock _endLock;
    private WeakGCHandle<object> _loadContext = new(s_loadContext);

    // Inside are passes, callbacks of the meter, and the calls that make, count or trim.
    private EndGate _end;
    private bool _hasEnded;
    private bool _wasForgotten;

    // The first mistake that the checked mode threw for, or the first exception of a leak handler.
    private ExceptionDispatchInfo? _endFault;

    /// <summary>Lets a forgotten runtime go, and all its memory, as soon as nothing of it is in use.</summary>
    /// <remarks>
    /// Heaps, pools, stores, frames and the reporter refer to the runtime. An address does not: as long as a block, or a frame, is in somebody's hands,
    /// the memory stays, and the next full garbage collection asks again. It is not asked for before the second time: by then the finalizers of all that
    /// was forgotten with the runtime have run. Of a load context that is gone nothing is in use. Two parts have finalizers of their own and are left to
    /// them: the allocator of <see cref="Vmap"/>, and the thread, which cannot be in a pass: that would refer to the runtime.
    /// </remarks>
    [SuppressMessage("Design", "CA1031:Do not catch general exception types", Justification = "A finalizer must not end the process; it comes again.")]
    ~MemoryRuntime()
    {
        if (_zone is not { Keeper: not null })
        {
            // The constructor failed, before its own clean-up or in it.
            return;
        }

        try
        {
            // What was decided by DisposeAsync and stopped is nobody's any more.
            if (_wasForgotten && (!_loadContext.TryGetTarget(out _) || _end.IsClosed || IsUnused()))
            {
                End(forgotten: true, watch: null);
                return;
            }

            _wasForgotten = true;
        }
        catch (Exception exception)
        {
            NativeMmEventSource.Log.BackgroundPassFailed("end of a forgotten runtime", FailureText.Of(exception));
        }

        GC.ReRegisterForFinalize(this);
    }

    /// <summary>
    /// Frees everything, also the blocks that are still in use, and stops the background work. A second call does nothing, and neither does any on the shared
    /// runtime, which lives as long as the process: a container of services may have it.
    /// </summary>
    /// <exception cref="InvalidOperationException">
    /// This is called from within a trim, such as by the reporting device, or by whoever is told of the progress of a release of a part of the runtime, or a lease on an object of a pool or on a value of a cache is open, or a
    /// page of an address space is leased or pinned. The runtime stays as it is then, unless the lease or the pin was taken while it ended: then every verb refuses, the memory stays, and
    /// the next call goes on.
    /// </exception>
    /// <exception cref="MemoryFaultException">The checked mode found a mistake that it throws for. Everything is freed before.</exception>
    public void Dispose()
    {
        if (_isShared || Atomic.LoadAcquire(ref _release!) is { Watch.IsTellingHere: true })
        {
            // Who is told of the progress of the end would wait for himself.
            return;
        }

        RefuseIfHeld(waits: true);
        End(forgotten: false, watch: null);
        GC.SuppressFinalize(this);
    }

    /// <summary>Refuses to end while somebody holds what would go.</summary>
    /// <param name="waits">Whether the caller waits for the end.</param>
    private void RefuseIfHeld(bool waits)
    {
        if (IsReportingHere || _trimLock.IsHeldByCurrentThread)
        {
            throw new InvalidOperationException("A runtime cannot be disposed from within its own trim or by its reporting device: what would go is in use.");
        }

        if (waits && _teardown.IsReportingHere)
        {
            throw new InvalidOperationException(
                "A runtime cannot be disposed by whoever is told of the progress of a release of a part of it: it would wait for that release. Use DisposeAsync there.");
        }

        foreach (ZsPool pool in Pools())
        {
            if (!pool.LeasesEndFirst)
            {
                pool.ThrowIfLeased();
            }
        }

        foreach (AddressSpace space in Spaces())
        {
            space.ThrowIfHeld();
        }

        foreach (IRuntimeTenant tenant in _tenants.View)
        {
            tenant.ThrowIfHeld();
        }
    }

    /// <summary>Ends everything, once. Each step may be repeated: when one throws, the next call begins again.</summary>
    /// <param name="forgotten">Whether the finalizer calls: whoever might help may have been finalized before.</param>
    /// <param name="watch">Who looks on, and may stop it by an <see cref="OperationCanceledException"/>; null for nobody.</param>
    private void End(bool forgotten, ReleaseWatch? watch)
    {
        if (_endLock.IsHeldByCurrentThread)
        {
            // Somebody who is told of the end, such as a leak handler, ends it again.
            return;
        }

        if (!_endLock.TryEnter())
        {
            if (IsAnyHeapEndingHere())
            {
                // A leak handler of a heap for which the other one waits.
                return;
            }

            _endLock.Enter();
        }

        try
        {
            if (!_hasEnded)
            {
                _pages.IsPlain = forgotten;
                watch?.BeginHere();
                _pages.Watch = watch;
                EndLocked(forgotten, watch);
            }
        }
        finally
        {
            _pages.Watch = null;
            _endLock.Exit();
        }
    }

    private void EndLocked(bool forgotten, ReleaseWatch? watch)
    {
        // All who work are asked to stop before any is waited for.
        _end.TryClose();
        if (watch is null)
        {
            EndMeter();
        }

        _trimmer?.Stop();
        _reporter.Close();
        if (!forgotten)
        {
            _trimmer?.Dispose();
        }

        _end.AwaitEmpty();
        EndTenants(watch);

        // Before the pools, which pages may have gone to.
        EndSpaces(forgotten, watch);
        foreach (ZsPool pool in Pools())
        {
            watch?.ThrowIfCancelled();
            ulong bytes = PoolBytesOf(pool);
            pool.Dispose();
            watch?.Advance((nuint)bytes);
        }

        watch?.ThrowIfCancelled();
        watch?.CompleteFreed();
        ReleaseHeaps(watch);
        if (!forgotten && _vmap is { } vmap)
        {
            vmap.Zone.ReleasePages();
            watch?.ThrowIfCancelled();
            vmap.Zone.Keeper = null;
            vmap.Dispose();
        }

        _zone.ReleasePages();
        watch?.ThrowIfCancelled();

        // From here on it is not stopped any more.
        _pages.Watch = null;
        _teardown.Dispose();
        ReleaseFrames();
        if (_isShared)
        {
            // Only the finalizer gets here, when the load context is gone.
            AddressSpace.EndThreads();
        }

        _loadContext.Dispose();
        EndMeter();
        Unregister();
        _hasEnded = true;
        _endFault?.Throw();
    }

    /// <summary>Ends the spaces, all of them, whatever one of them reports, unless it is stopped.</summary>
    /// <exception cref="OperationCanceledException">Whoever looks on stopped it.</exception>
    /// <exception cref="InvalidOperationException">Somebody leased or pinned a page before its space had ended, and has it still.</exception>
    [SuppressMessage("Design", "CA1031:Do not catch general exception types", Justification = "It is thrown when everything is released.")]
    private void EndSpaces(bool forgotten, ReleaseWatch? watch)
    {
        foreach (AddressSpace space in Spaces())
        {
            watch?.ThrowIfCancelled();
            try
            {
                _ = space.TryEnd(watch);
            }
            catch (Exception exception)
            {
                _endFault ??= ExceptionDispatchInfo.Capture(exception);
            }
        }

        // Spaces that nobody waited for may still end, and are off the list.
        watch?.ThrowIfCancelled();
        _teardown.AwaitAll(watch);
        watch?.ThrowIfCancelled();
        foreach (AddressSpace space in Spaces())
        {
            // From its end on nobody takes a lease or a pin: who has none now has none later.
            if (!forgotten)
            {
                space.ThrowIfHeld();
            }
        }

        // What leases held that have ended since lies in frames that go now.
        AddressSpace.FreeOrphans(_frames);
    }

    private bool IsAnyHeapEndingHere()
    {
        foreach (NativeHeap heap in _space.Heaps())
        {
            if (heap.IsEndingHere)
            {
                return true;
            }
        }

        return false;
    }

    private static ulong PoolBytesOf(ZsPool pool) => pool.IsDisposed ? 0 : (ulong)pool.GetTotalFrames() << Pfn.FrameShift;

    private void EndMeter()
    {
        try
        {
            _meter?.Dispose();
        }
        catch (OutOfMemoryException)
        {
            // The framework's meter takes a little managed memory to go. Without any it is off the list all the same, and who still knows an instrument
            // of it finds the gate closed.
        }
    }

    /// <summary>Releases the heaps, all of them, whatever one of them reports, unless it is stopped.</summary>
    /// <exception cref="OperationCanceledException">Whoever looks on stopped it.</exception>
    [SuppressMessage("Design", "CA1031:Do not catch general exception types", Justification = "It is thrown when everything is released.")]
    private void ReleaseHeaps(ReleaseWatch? watch)
    {
        _space.IsEnding = true;
        foreach (NativeHeap heap in _space.Heaps())
        {
            try
            {
                heap.Release();
            }
            catch (OperationCanceledException) when (watch is { IsCancelled: true })
            {
                throw;
            }
            catch (Exception exception)
            {
                _endFault ??= ExceptionDispatchInfo.Capture(exception);
            }
        }
    }

    private void ReleaseFrames()
    {
        _space?.Dispose();
        if (_zone is not null)
        {
            _zone.Keeper = null;
            _frames?.Dispose();
            _zone.Dispose();
        }
    }

    /// <summary>
    /// Whether no block and no frame is in anybody's hands. Objects of pools do not count: a handle is worth nothing without its pool, which refers to the
    /// runtime; a lease does. An address is worth nothing without its space, so the spaces end here: nobody knows them any more.
    /// </summary>
    private bool IsUnused()
    {
        foreach (AddressSpace space in Spaces())
        {
            if (space.IsHeld)
            {
                return false;
            }
        }

        EndSpaces(forgotten: true, watch: null);
        ulong owned = 0;
        foreach (ZsPool pool in Pools())
        {
            if (pool.IsLeased)
            {
                return false;
            }

            owned += PoolBytesOf(pool) >> Pfn.FrameShift;
        }

        foreach (NativeHeap heap in _space.Heaps())
        {
            if (heap.HasLiveBlocks(out ulong slabFrames))
            {
                return false;
            }

            owned += slabFrames;
        }

        FrameStatistics zone = _frames.GetStatistics();
        return zone.AllocatedFrames == owned && zone.IsolatedFrames == 0;
    }
}
