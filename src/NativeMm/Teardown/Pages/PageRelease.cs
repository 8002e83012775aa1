using NativeMm.Platform;
using NativeMm.Primitives;

namespace NativeMm.Teardown;

/// <summary>
/// Gives real memory back for a runtime and what belongs to it: in steps, and from a floor on by several threads. Thread-safe; takes no managed memory after construction and
/// never fails.
/// </summary>
internal sealed class PageRelease : IPageRelease
{
    private RangeRelease? _range;
    private int _isTaken;

    /// <summary>Makes one.</summary>
    /// <param name="platform">Who takes the pages.</param>
    /// <param name="workers">Who helps.</param>
    /// <param name="clock">Ticks of <see cref="System.Diagnostics.Stopwatch"/>; null for the real ones.</param>
    public PageRelease(IMemoryPlatform platform, TeardownWorkers workers, Func<long>? clock = null)
    {
        Workers = workers;
        Calls = new PageDiscard(platform, workers.Options.StepTime, clock);
    }

    /// <summary>Who helps.</summary>
    public TeardownWorkers Workers { get; }

    /// <summary>Who calls the system.</summary>
    public PageDiscard Calls { get; }

    /// <summary>Who looks on while a release is under way that is part of a larger one, and may stop it; null for nobody.</summary>
    public ReleaseWatch? Watch { get; set; }

    /// <summary>The same for the calling thread: what other threads release meanwhile, or a listener does, is no part of it.</summary>
    public ReleaseWatch? WatchHere => Watch is { IsDrivenHere: true } watch ? watch : null;

    /// <summary>Whether nobody helps any more and nothing is made in steps: for a runtime that is finalized, whose helpers may have gone before it.</summary>
    public bool IsPlain { get; set; }

    /// <inheritdoc/>
    /// <remarks>Where addresses go as well, that is better than one call that takes pages and addresses together.</remarks>
    public bool IsWorth(ulong bytes) => !IsPlain && Calls.IsSupported && bytes > (ulong)Workers.Options.InlineFloorBytes;

    /// <summary>Makes what help takes, where managed memory may be allocated. Cheap from the second time on.</summary>
    public void Prepare()
    {
        Workers.Prepare();
        if (Atomic.LoadAcquire(ref _range!) is null)
        {
            Atomic.CompareExchange(ref _range!, null!, new RangeRelease(Workers, Calls));
        }
    }

    /// <inheritdoc/>
    public bool Release(nuint address, nuint bytes)
    {
        if (!IsWorth(bytes))
        {
            NoteBelowFloor(bytes);
            return true;
        }

        RangeRelease? range = Atomic.LoadAcquire(ref _range!);
        if (range is null || !Atomic.CompareExchange(ref _isTaken, 0, 1))
        {
            // There is no job, or another release has it: this one is made without help.
            Workers.Ledger.NoteWithoutWorker();
            Calls.Discard(address, bytes);
            return true;
        }

        try
        {
            range.Begin(address, bytes);
            RunToEnd(range);
            return range.Phase == JobPhase.Done;
        }
        finally
        {
            Atomic.StoreRelease(ref _isTaken, 0);
        }
    }

    /// <inheritdoc/>
    /// <remarks>By one thread: the system takes pages out of a file under a lock of the file, and two of them only wait for each other.</remarks>
    public bool ReleaseFile(int file, nuint offset, nuint bytes)
    {
        if (!IsWorth(bytes))
        {
            NoteBelowFloor(bytes);
            return true;
        }

        ReleaseWatch? watch = WatchHere;
        nuint end = offset + bytes;
        while (offset < end)
        {
            if (watch is { IsCancelled: true })
            {
                return false;
            }

            nuint step = Calls.PunchStep(file, offset, end);
            watch?.Advance(step - offset);
            offset = step;
        }

        return true;
    }

    /// <inheritdoc/>
    public PlatformResult Discard(ReadOnlySpan<AddressRange> ranges, DiscardMode mode) => Calls.Discard(ranges, mode);

    /// <inheritdoc/>
    /// <remarks>Nobody looks on: what is given back like this is free already, and part of no end.</remarks>
    public bool TryShare(IStepwiseWork work, ulong bytes)
    {
        StepwiseJob job;
        try
        {
            Workers.Prepare();
            job = new StepwiseJob(Workers, work);
        }
        catch (OutOfMemoryException)
        {
            Workers.Ledger.NoteWithoutMemory();
            return false;
        }

        job.Begin(bytes);
        Workers.Run(job);
        return true;
    }

    /// <summary>Does a job that was begun, under the eyes of whoever looks on.</summary>
    /// <exception cref="OperationCanceledException">He stopped it, and something is left.</exception>
    /// <exception cref="Exception">The first exception of a step. Everything else was done all the same.</exception>
    public void Run(TeardownJob job)
    {
        RunToEnd(job);
        if (job.Phase == JobPhase.Abandoned)
        {
            WatchHere?.ThrowIfCancelled();
        }

        TeardownWorkers.ThrowIfFailed(job);
    }

    private void RunToEnd(TeardownJob job)
    {
        if (WatchHere is { } watch)
        {
            watch.Run(job);
        }
        else
        {
            Workers.RunToEnd(job);
        }
    }

    private void NoteBelowFloor(nuint bytes)
    {
        if (bytes != 0)
        {
            Workers.Ledger.NoteBelowFloor();
        }
    }
}
