using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using NativeMm.Diagnostics;
using NativeMm.Platform;
using NativeMm.Primitives;

namespace NativeMm.Heap;

/// <content>The end: who may come until then, and what everybody is told afterwards. And a shared heap that could not begin.</content>
public sealed unsafe partial class NativeHeap
{
    // Less is used again before the system could do anything with it.
    private const nuint GivenUpBytesMin = 128 << 10;

    // The shared heap that was made after the first try had failed.
    private static NativeHeap? s_second;

    // Why there is no heap behind this object: it ended before it began.
    private ExceptionDispatchInfo? _failure;

    // Finalizers are inside while they give a block back.
    private EndGate _end;
    private bool _disposed;

    /// <summary>
    /// The shared heap of a process in which none could be made. The initializer of a type must not throw, because what it throws comes wrapped and once:
    /// so every use of this heap says what was wrong.
    /// </summary>
    private NativeHeap(Exception failure)
    {
        _failure = ExceptionDispatchInfo.Capture(failure);
        _isShared = true;
        _isOnStack = true;
        _disposed = true;
        _isReleased = true;
        _end.TryClose();
        _options = new HeapOptions { Name = "shared" };
        _space = null!;
        _depots = [];
        _large = null!;
        _metadata = null!;
        _caches = null!;
        _makeCache = null!;
    }

    /// <summary>Whether the heap ended. Owners whose heap may go before them look here before they touch their memory.</summary>
    internal bool IsDisposed => _disposed || _isClosing;

    /// <summary>Frees a block of an owner that may outlive the heap: a heap that was disposed took the block with it, so there is nothing left to do.</summary>
    /// <remarks>Owners and their heap may be disposed in either order, for instance by a container of services, but not at once.</remarks>
    internal void FreeUnlessDisposed(void* block)
    {
        if (!IsDisposed)
        {
            FreeHere(block);
        }
    }

    /// <summary>The same for an owner whose end nobody may be waiting for: the end of the heap may be at any moment, and waits for one that is in here.</summary>
    /// <exception cref="Diagnostics.MemoryFaultException">As <see cref="Free"/>.</exception>
    internal void FreeInBackground(void* block)
    {
        if (!_end.TryEnter())
        {
            return;
        }

        try
        {
            FreeHere(block);
        }
        finally
        {
            _end.Exit();
        }
    }

    /// <summary>
    /// Gives the pages of a block back to the system that is about to be freed and will not be asked for again soon: it reads as zero or as it did. Nothing
    /// happens where that is not worth a call, or the heap ended.
    /// </summary>
    /// <param name="block">A live block of this heap.</param>
    /// <param name="bytes">Its size.</param>
    internal void GiveUpPages(void* block, nuint bytes)
    {
        if (bytes < GivenUpBytesMin || _checked is not null || !_end.TryEnter())
        {
            return;
        }

        Invariant.Assert(BlockBytesOf((nuint)block) >= bytes, $"The pages of {bytes} bytes at 0x{(nuint)block:x} are given up, where no such block is.");
        AddressRange pages = new AddressRange((nuint)block, bytes).WholePages(_space.Platform.PageBytes);
        _ = _space.Platform.Discard(pages.Address, pages.Bytes, DiscardMode.Now);
        _end.Exit();
    }

    /// <summary>
    /// Frees what somebody forgot, for his finalizer. A finalizer runs beside anything, also beside <see cref="Dispose"/>, which waits for one that is in
    /// here; one that comes later has nothing left to do. It never throws: the wrong pointer that a flush may find on the way left its event.
    /// </summary>
    internal void FreeForgotten(void* block)
    {
        if (!_end.TryEnter())
        {
            return;
        }

        try
        {
            FreeHere(block);
        }
        catch (MemoryFaultException)
        {
            // Somebody else's mistake, and nobody is there to be told but the listeners of the event.
        }
        finally
        {
            _end.Exit();
        }
    }

    /// <summary>Refuses what comes after the end.</summary>
    /// <exception cref="ObjectDisposedException">The heap was disposed.</exception>
    internal void ThrowIfDisposed()
    {
        if (_disposed || _isClosing)
        {
            ThrowGone();
        }
    }

    /// <summary>Whether a block is in the hands of the program. For a heap that nobody works with.</summary>
    /// <param name="slabFrames">Frames of the heap's slabs.</param>
    internal bool HasLiveBlocks(out ulong slabFrames)
    {
        slabFrames = 0;
        if (StatisticsUnlessDisposed() is not { } found)
        {
            // A release in steps that was stopped still has some.
            slabFrames = ReleasingBytes.Frames >> Pfn.FrameShift;
            return false;
        }

        bool anyLive = false;
        foreach (HeapClassStatistics row in found.Classes)
        {
            slabFrames += row.SlabBytes / Pfn.FrameBytes;
            anyLive |= row.LiveBlocks != 0;
        }

        // In checked mode freed blocks lie in the quarantine for a while.
        return _checked is not null ? _checked.Statistics.LiveBlocks != 0 : anyLive || found.LargeBlocks != 0;
    }

    [SuppressMessage("Design", "CA1031:Do not catch general exception types", Justification = "Every use of the heap throws it again.")]
    private static NativeHeap MakeShared()
    {
        try
        {
            return SharedHeapSource.Create();
        }
        catch (Exception failure)
        {
            return new NativeHeap(failure);
        }
    }

    /// <summary>Tries again to make the shared heap. What stands for it until then stays without one, for whoever kept it.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    [SuppressMessage("Design", "CA1031:Do not catch general exception types", Justification = "Every use of the heap throws it again.")]
    private static NativeHeap SharedAfterFailure()
    {
        Invariant.Assert(s_hasFailed && s_shared._disposed, "A second shared heap is made beside the first.");
        NativeHeap? second = Atomic.LoadAcquire(ref s_second!);
        if (second is not null || SharedHeapRetry.t_isUnderWay)
        {
            // Whoever is told of the second try on the way may look here.
            return second ?? s_shared;
        }

        SharedHeapRetry.t_isUnderWay = true;
        try
        {
            second = SharedHeapSource.Create();
            Atomic.StoreRelease(ref s_second!, second);
            return second;
        }
        catch (Exception failure)
        {
            s_shared._failure = ExceptionDispatchInfo.Capture(failure);
            return s_shared;
        }
        finally
        {
            SharedHeapRetry.t_isUnderWay = false;
        }
    }

    private static NativeHeap SharedOrThrow()
    {
        NativeHeap shared = Shared;
        shared.ThrowIfDisposed();
        return shared;
    }

    [DoesNotReturn]
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void ThrowGone() => throw Gone();

    private ObjectDisposedException Gone()
    {
        _failure?.Throw();
        return new ObjectDisposedException(GetType().FullName, $"The heap '{Name}' was disposed, or its runtime.");
    }
}
