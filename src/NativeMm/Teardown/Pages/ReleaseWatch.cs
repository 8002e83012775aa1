using System.Diagnostics.CodeAnalysis;
using NativeMm.Diagnostics;
using NativeMm.Primitives;

namespace NativeMm.Teardown;

/// <summary>
/// Looks on while a large release is made of many small ones, one after another: adds their progress up, tells it, and stops between two steps when that is asked for. One thread
/// drives it, and what others release at the same time is none of its business; cancelling is for any thread.
/// </summary>
/// <param name="workers">Who does the jobs.</param>
/// <param name="bytesTotal">What there is to give back.</param>
/// <param name="listener">Who is told; null for nobody. What he throws is kept.</param>
/// <param name="bytesFreed">
/// How much of it comes first and only becomes free: the frames of spaces and pools, whose memory is among what the system gets back afterwards.
/// </param>
internal sealed class ReleaseWatch(TeardownWorkers workers, long bytesTotal, IProgress<TeardownProgress>? listener, long bytesFreed = 0) : IProgress<TeardownProgress>
{
    private readonly long _total = bytesTotal;
    private readonly long _freed = bytesFreed;
    private long _ceiling = bytesFreed;
    private int _driver;
    private int _telling;
    private TeardownJob? _job;
    private TeardownProgress _before = new(0, bytesTotal, 0, TimeSpan.Zero);
    private TeardownProgress _now = new(0, bytesTotal, 0, TimeSpan.Zero);
    private long _left = bytesTotal;
    private int _isCancelled;

    /// <summary>The first exception of whoever is told, or null.</summary>
    public Exception? Failure { get; private set; }

    /// <summary>Bytes that are decided and not yet given back to the system.</summary>
    public long BytesLeft => long.Min(Atomic.LoadAcquire(in _left), _total - _freed);

    /// <summary>Whether the calling thread drives it, and is not inside of the listener.</summary>
    public bool IsDrivenHere => Atomic.LoadAcquire(in _driver) == Environment.CurrentManagedThreadId && !IsTellingHere;

    /// <summary>Whether the calling thread is inside of the listener.</summary>
    public bool IsTellingHere => Atomic.LoadAcquire(in _telling) == Environment.CurrentManagedThreadId;

    /// <summary>Whether it was stopped.</summary>
    public bool IsCancelled => Atomic.LoadAcquire(in _isCancelled) != 0;

    /// <summary>Stops it between two steps.</summary>
    public void Cancel()
    {
        Atomic.StoreRelease(ref _isCancelled, 1);
        Atomic.FullFence();
        Atomic.LoadAcquire(ref _job!)?.Cancel();
    }

    /// <summary>The calling thread drives it from here on.</summary>
    public void BeginHere() => Atomic.StoreRelease(ref _driver, Environment.CurrentManagedThreadId);

    /// <summary>Does a job that was begun, and leaves it to the caller to ask for failures. When it was stopped with something left, the job is abandoned.</summary>
    public void Run(TeardownJob job)
    {
        // One that is begun again goes on counting.
        _before = Less(_before, job.Progress);
        job.Listener = this;
        Atomic.StoreRelease(ref _job!, job);
        Atomic.FullFence();
        if (IsCancelled)
        {
            job.Cancel();
        }

        try
        {
            workers.RunToEnd(job);
        }
        finally
        {
            Atomic.StoreRelease(ref _job!, null!);
            job.Listener = null;
            Tell(Sum(_before, job.Progress));
            _before = _now;
        }
    }

    /// <summary>A step was made without a job.</summary>
    public void Advance(nuint bytes)
    {
        Tell(Sum(_before, new TeardownProgress((long)bytes, 0, 1, TimeSpan.Zero)));
        _before = _now;
    }

    /// <summary>What only becomes free is free; what was more than it turned out to be counts as done.</summary>
    public void CompleteFreed()
    {
        _ceiling = _total;
        Tell(_now with { BytesDone = _freed });
        _before = _now;
    }

    /// <summary>All is done, also what was too little to be counted.</summary>
    public void Complete() => Tell(_now with { BytesDone = _total });

    /// <inheritdoc/>
    public void Report(TeardownProgress value) => Tell(Sum(_before, value));

    /// <summary>Ends what was stopped.</summary>
    /// <exception cref="OperationCanceledException">It was stopped.</exception>
    public void ThrowIfCancelled()
    {
        if (IsCancelled)
        {
            throw new OperationCanceledException("The release was stopped between two steps; what is left goes with the next Dispose.");
        }
    }

    private static TeardownProgress Less(TeardownProgress from, TeardownProgress counted) =>
        new(from.BytesDone - counted.BytesDone, from.BytesTotal, from.Steps - counted.Steps, from.CpuTime - counted.CpuTime);

    private TeardownProgress Sum(TeardownProgress before, TeardownProgress more) => new(
        long.Min(_ceiling, before.BytesDone + more.BytesDone), _total, before.Steps + more.Steps, before.CpuTime + more.CpuTime);

    [SuppressMessage("Design", "CA1031:Do not catch general exception types", Justification = "It reaches whoever waits; the memory goes back all the same.")]
    private void Tell(TeardownProgress now)
    {
        Invariant.Assert(now.BytesDone <= _total, $"{now.BytesDone} bytes are told of as done, of {_total}.");
        _now = now;
        Atomic.StoreRelease(ref _left, _total - now.BytesDone);
        Atomic.StoreRelease(ref _telling, Environment.CurrentManagedThreadId);
        try
        {
            listener?.Report(now);
        }
        catch (Exception failure)
        {
            Failure ??= failure;
        }

        Atomic.StoreRelease(ref _telling, 0);
    }
}
