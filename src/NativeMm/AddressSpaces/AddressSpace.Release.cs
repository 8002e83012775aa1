using NativeMm.Primitives;
using NativeMm.Teardown;

namespace NativeMm.AddressSpaces;

/// <content>Giving much memory back: by several threads, and without waiting for it.</content>
public sealed partial class AddressSpace
{
    private TeardownWorkers? _workers;
    private TableRelease? _release;
    private int _isReleasing;

    // Ranges of so many bytes and fewer are unmapped by the caller.
    private long _inlineFloorBytes;

    /// <summary>
    /// Unmaps a range as <see cref="Unmap"/> does, and does not wait until its memory is given back: when this returns, nobody can use the range any more, and it may be
    /// mapped anew. What is not given back yet is <see cref="TeardownStatistics.ReleasingBytes"/>.
    /// </summary>
    /// <param name="address">First byte, a multiple of 4096.</param>
    /// <param name="length">Length in bytes, 1 or more, rounded up to pages of 4096.</param>
    /// <param name="progress">
    /// Who is told how far it is, at most once a <see cref="TeardownOptions.StepTime"/>, on a thread of the background; not told where it is done at once. In there the space
    /// may be ended by <see cref="DisposeAsync()"/> alone.
    /// </param>
    /// <param name="cancellation">
    /// Stops the giving back between two steps, and the wait for it; the range stays unmapped. What is left is given back with the next trim of the runtime, or the end of the
    /// space.
    /// </param>
    /// <returns>What ends when the memory is given back.</returns>
    /// <exception cref="ArgumentException">The address or the length is not allowed.</exception>
    /// <exception cref="InvalidOperationException">Cutting an area would make more than <see cref="AddressSpaceOptions.AreasMax"/>.</exception>
    /// <exception cref="OutOfMemoryException">Cutting an area needs memory that there is not.</exception>
    /// <exception cref="ObjectDisposedException">The space is disposed.</exception>
    public Task UnmapAsync(long address, long length, IProgress<TeardownProgress>? progress = null, CancellationToken cancellation = default)
    {
        VpnRange range = AddressCheck.Range(address, length);
        if (cancellation.IsCancellationRequested)
        {
            return Task.FromCanceled(cancellation);
        }

        if (length <= _inlineFloorBytes || _workers is null)
        {
            Unmap(address, length);
            return Task.CompletedTask;
        }

        var release = new TableRelease(_tables, _workers);
        var end = new ReleaseEnd(release, progress, cancellation);

        // From the moment that it is attached the end of the space may help it.
        end.Attach();
        bool attached = false;
        try
        {
            LayoutFault.ThrowUnlessDone(nameof(Unmap), range, _layout.Unmap(range, release), Options);

            // Not whether it still has something: whoever ends the space may have helped it to its end.
            attached = release.Phase != JobPhase.Idle;
            return attached ? end.Begin() : Task.CompletedTask;
        }
        finally
        {
            if (!attached)
            {
                end.Forget();
            }
        }
    }

    /// <summary>
    /// Ends the space as <see cref="Dispose"/> does, and does not wait until its memory is given back: when this returns, every verb throws
    /// <see cref="ObjectDisposedException"/>.
    /// </summary>
    /// <returns>What ends when all memory is given back.</returns>
    public ValueTask DisposeAsync() => DisposeAsync(before: null, behind: null);

    /// <summary>The same, with something to do before and behind it, wherever it is done.</summary>
    internal ValueTask DisposeAsync(Action? before, Action? behind)
    {
        _layout.Close();
        EndAccess();
        _faults.Close();
        if ((TryAnnounceEnd() || (_workers is not null && _tables.Releases.IsReportingHere)) && SpaceEnd.TryMake(this, _workers!, before, behind) is { } end)
        {
            return new ValueTask(end.BeginInBackground());
        }

        before?.Invoke();
        Dispose();
        behind?.Invoke();
        return ValueTask.CompletedTask;
    }

    private void BeginRelease(TeardownWorkers? workers)
    {
        _inlineFloorBytes = long.MaxValue;
        if (workers is not null && workers.Options.Strategy != TeardownStrategy.Inline)
        {
            workers.Prepare();
            _workers = workers;
            _release = new TableRelease(_tables, workers);
            _inlineFloorBytes = workers.Options.InlineFloorBytes;
        }
    }

    private void UnmapMuch(VpnRange range)
    {
        TableRelease? release = Atomic.CompareExchange(ref _isReleasing, 0, 1) ? _release : null;
        try
        {
            LayoutFault.ThrowUnlessDone(nameof(Unmap), range, _layout.Unmap(range, release), Options);

            // Also when the end of the space has just helped it to its last page: until the job has ended it cannot be begun again.
            if (release is { Phase: JobPhase.Queued or JobPhase.Running or JobPhase.Finishing })
            {
                release.Workers.Run(release);
            }
        }
        finally
        {
            if (release is not null)
            {
                Atomic.StoreRelease(ref _isReleasing, 0);
            }
        }
    }

    /// <summary>Ends the tables, under the lock of the end. An unmap whose pages the end has just given back may not be through with its job.</summary>
    /// <returns>False when it was stopped.</returns>
    private bool TryEndTables(ReleaseWatch? watch, out Exception? failure)
    {
        var backoff = default(Backoff);
        while (!Atomic.CompareExchange(ref _isReleasing, 0, 1))
        {
            backoff.Wait();
        }

        bool ended = _tables.TryDispose(_release, watch, out failure);
        Atomic.StoreRelease(ref _isReleasing, 0);
        return ended;
    }

    /// <summary>Bytes of pages and tables that the end will let go of, tables as if they were full; 0 while somebody is at it.</summary>
    internal long EstimateEndBytes()
    {
        if (!_endLock.TryEnter())
        {
            return 0;
        }

        long bytes = _released ? 0 : _tables.EstimateEndBytes();
        _endLock.Exit();
        return bytes;
    }

    /// <summary>Whether the end is worth a thread, or somebody else is at it. Accounts what it will give back.</summary>
    private bool TryAnnounceEnd()
    {
        if (_workers is null || !_endLock.TryEnter())
        {
            return _workers is not null;
        }

        bool worth = !_released && (_tables.IsAnnounced || _tables.TryAnnounce(_workers));
        _endLock.Exit();
        return worth;
    }
}
