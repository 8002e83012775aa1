using System.Diagnostics.CodeAnalysis;
using NativeMm.AddressSpaces;
using NativeMm.Heap;
using NativeMm.Primitives;
using NativeMm.Teardown;
using NativeMm.Zsmalloc;

namespace NativeMm.Runtime;

/// <content>The end in the background.</content>
public sealed partial class MemoryRuntime
{
    private RuntimeRelease? _release;

    /// <summary>
    /// Ends the runtime as <see cref="Dispose"/> does, and gives its memory back in the background: what is decided is decided when this returns, in a time that does
    /// not depend on how much there is.
    /// </summary>
    /// <returns>Ends when all memory is back.</returns>
    /// <exception cref="InvalidOperationException">As <see cref="Dispose"/> throws it: something is held. The runtime stays as it is then.</exception>
    [SuppressMessage("Usage", "CA1816", Justification = "A release that is stopped and then forgotten is what the finalizer is for; it is not wanted any more when all is back.")]
    public ValueTask DisposeAsync() => new(DisposeAsync(progress: null));

    /// <summary>
    /// <see cref="DisposeAsync()"/>, observed and stoppable. Until the end the runtime's meter shows what is not given back yet, as state <c>releasing</c>.
    /// </summary>
    /// <param name="progress">
    /// Is told how far it is, about once a step time, on a thread of the release; null for nobody. It counts what spaces and pools let go of first, and
    /// then what goes back to the system. In there <see cref="Dispose"/> does nothing.
    /// </param>
    /// <param name="cancellationToken">
    /// Stops the release between two steps, wherever it is; before the begin, nothing is done. A release of a part of the runtime that somebody else waits for is not
    /// stopped, but waited for. The runtime has ended all the same, and what is left goes with the next call of this or of <see cref="Dispose"/>, or by the finalizer.
    /// </param>
    /// <returns>
    /// Ends when all memory is back. It fails by what <see cref="Dispose"/> would throw, or by what the progress threw; the memory went back before.
    /// </returns>
    /// <exception cref="InvalidOperationException">As <see cref="Dispose"/> throws it: something is held. The runtime stays as it is then.</exception>
    public Task DisposeAsync(IProgress<TeardownProgress>? progress, CancellationToken cancellationToken = default)
    {
        if (_isShared || _hasEnded)
        {
            return Task.CompletedTask;
        }

        if (cancellationToken.IsCancellationRequested)
        {
            return Task.FromCanceled(cancellationToken);
        }

        RuntimeRelease? before = Atomic.LoadAcquire(ref _release!);
        if (before is not null && !before.Task.IsCompleted)
        {
            return before.Task;
        }

        RefuseIfHeld(waits: false);

        // All that takes managed memory comes first.
        long freed = BytesToFree();
        var release = new RuntimeRelease(EndWatched, new ReleaseWatch(_teardown, freed + BytesToRelease(), progress, freed), cancellationToken);
        if (!Atomic.CompareExchange(ref _release!, before!, release))
        {
            release.Forget();
            return Atomic.LoadAcquire(ref _release!).Task;
        }

        _end.TryClose();
        _trimmer?.Stop();
        foreach (NativeHeap heap in _space.Heaps())
        {
            heap.CloseEarly();
        }

        release.Start(mayEndHere: !_teardown.IsReportingHere);
        return release.Task;
    }

    /// <summary>Bytes of an end in the background that are decided and not given back yet; null when there is none.</summary>
    private long? BytesReleasing => Atomic.LoadAcquire(ref _release!)?.Watch.BytesLeft;

    [SuppressMessage("Usage", "CA1816", Justification = "A release that is stopped and then forgotten is what the finalizer is for; it is not wanted any more when all is back.")]
    private void EndWatched(ReleaseWatch watch)
    {
        End(forgotten: false, watch);
        GC.SuppressFinalize(this);
    }

    /// <summary>Bytes of spaces and pools, which become free before the system gets them.</summary>
    private long BytesToFree()
    {
        long bytes = 0;
        foreach (AddressSpace space in Spaces())
        {
            bytes += space.EstimateEndBytes();
        }

        foreach (ZsPool pool in Pools())
        {
            bytes += (long)PoolBytesOf(pool);
        }

        return bytes;
    }

    private long BytesToRelease()
    {
        ulong bytes = OpenedBytesOf(_zone) + (VmapIfUsed is { } vmap ? OpenedBytesOf(vmap.Zone) : 0);
        foreach (NativeHeap heap in _space.Heaps())
        {
            bytes += heap.LargeBytesLeft;
        }

        return (long)bytes;
    }

    private static ulong OpenedBytesOf(Frames.FrameZone zone) => zone.ArePagesReleased ? 0 : (ulong)zone.OpenedFrames << Pfn.FrameShift;
}
