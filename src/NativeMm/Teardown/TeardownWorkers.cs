// Purpose      a few threads that release memory for whoever asks, made when they are first needed and gone some time after the last work.
// States       a job is in the list from TryQueue until the last thread that works on it takes it out. A thread works on a job, or waits for the event (_idle).
// Ownership    field             | who writes             | who reads  | how   | guard
//              list, _threads, _idle, _closed | whoever queues, threads | the same | plain | _lock
//              sums              | threads, owners of jobs | statistics | add   | none
// Ordering     all by _lock. Whoever queues puts the job in first and sets the event afterwards; a thread looks through the list under the lock before it goes,
//              so a job that came with the end of its wait is seen.
// Reuse        jobs leave the list before they end (TeardownJob).
// Progress     queueing allocates nothing and waits for nobody: the first thread, and each further one, is made by the background thread of BackgroundJob. Where none
//              can be made, that one does the work.

using NativeMm.Diagnostics;
using NativeMm.Platform;
using NativeMm.Primitives;

namespace NativeMm.Teardown;

/// <summary>Threads that release memory. Thread-safe.</summary>
internal sealed partial class TeardownWorkers : IDisposable
{
    private readonly int _widthAsked;
    private SpinLock<NoLockStatistics> _lock;
    private TeardownJob? _first;
    private TeardownJob? _last;
    private int _threads;
    private int _idle;
    private bool _closed;
    private int _width;

    /// <summary>Makes a pool without threads.</summary>
    /// <param name="options">The options.</param>
    public TeardownWorkers(TeardownOptions options)
    {
        options.Validate();
        Options = options;
        _widthAsked = options.MaxActive;
    }

    /// <summary>The options in force.</summary>
    public TeardownOptions Options { get; }

    /// <summary>Most threads. The first look of a process at an automatic number reads files; <see cref="Prepare"/> is there for that.</summary>
    public int Width => _widthAsked != 0 ? _widthAsked : _width != 0 ? _width : _width = Options.ActiveInForce;

    /// <summary>The counts that jobs and their owners keep.</summary>
    public TeardownLedger Ledger { get; } = new();

    /// <summary>What was done so far.</summary>
    public TeardownStatistics Statistics => Ledger.Read(Threads);

    /// <summary>Threads that there are.</summary>
    internal int Threads => Atomic.LoadAcquire(in _threads);

    /// <summary>Makes what queueing needs, where managed memory may be allocated: call it before a job is made. Cheap from the second time on.</summary>
    public void Prepare()
    {
        _ = Width;
        BackgroundThread.TryAgain();
        if (Atomic.LoadAcquire(ref _spawner) is null && Atomic.CompareExchange(ref _spawner, null, new Spawner(this)))
        {
            LoadContextTenants.Add(this);
        }
    }

    /// <summary>
    /// Hands a job over that was begun. It is done by the workers, and by whoever waits for it. Allocates nothing, and waits for nobody.
    /// </summary>
    /// <returns>False when nobody will do it: the workers have ended, were never prepared, or the system refuses every thread. The owner does it then, by <see cref="Run"/>.</returns>
    public bool TryQueue(TeardownJob job)
    {
        bool added = TryAdd(job);
        if (added)
        {
            Wake();
        }

        return added;
    }

    /// <summary>
    /// Does a job that was begun, together with workers if it is worth one, and returns when all of it is done, or it was cancelled. Allocates nothing.
    /// </summary>
    /// <exception cref="Exception">The first exception of a step. Everything else was done all the same.</exception>
    public void Run(TeardownJob job)
    {
        RunToEnd(job);
        ThrowIfFailed(job);
    }

    /// <summary>The same, for who asks about failures himself.</summary>
    public void RunToEnd(TeardownJob job)
    {
        Invariant.Check(job.Phase != JobPhase.Idle, "A teardown job is run that was not begun.");

        // The caller is inside before any worker looks, or somebody else who waits for the job as well.
        bool entered = job.TryEnter(1);
        if (!TryAdd(job))
        {
            Ledger.NoteWithoutWorker();
        }

        if (entered)
        {
            job.WorkInside(isWorker: false);
        }

        AwaitEnd(job);
    }

    /// <summary>Waits for a job that was queued, and works on it meanwhile as far as there is something to take.</summary>
    /// <exception cref="Exception">The first exception of a step. Everything else was done all the same.</exception>
    public void Await(TeardownJob job)
    {
        AwaitEnd(job);
        ThrowIfFailed(job);
    }

    /// <summary>The same, for who asks about failures himself.</summary>
    public void AwaitEnd(TeardownJob job)
    {
        var backoff = default(Backoff);
        bool waited = false;
        while (!job.HasEnded)
        {
            if (job.HasWork && job.TryEnter(job.WidthMax))
            {
                job.WorkInside(isWorker: false);
            }
            else if (!waited)
            {
                waited = true;
                Ledger.NoteWait();
            }

            backoff.Wait();
        }
    }

    /// <summary>Brings a job to its end that somebody else began in the background: helps it, and goes on with it when it was stopped. Allocates nothing.</summary>
    /// <param name="job">The job.</param>
    /// <param name="watch">Who looks on when it is gone on with; null for nobody.</param>
    /// <exception cref="OperationCanceledException">Whoever looks on stopped it.</exception>
    public void Finish(TeardownJob job, ReleaseWatch? watch)
    {
        while (job.Phase != JobPhase.Done)
        {
            if (job.Phase != JobPhase.Abandoned)
            {
                AwaitEnd(job);
                continue;
            }

            (job.Completion, job.Listener) = (null, null);
            job.BeginAgain();
            if (watch is not null)
            {
                watch.Run(job);
                watch.ThrowIfCancelled();
                ThrowIfFailed(job);
            }
            else
            {
                Run(job);
            }
        }
    }

    /// <summary>Whether the calling thread is inside of a listener of a job that is under way: who waits there for all jobs waits for himself.</summary>
    public bool IsReportingHere
    {
        get
        {
            _lock.Enter();
            TeardownJob? job = _first;
            while (job is { IsReportingHere: false })
            {
                job = job.Next;
            }

            _lock.Exit();
            return job is not null;
        }
    }

    /// <summary>Takes no job any more, does or awaits those that there are, and lets the threads go. A second call waits as well.</summary>
    public void Dispose()
    {
        _lock.Enter();
        _closed = true;
        _lock.Exit();
        AwaitAll();
        Leave();
        var backoff = default(Backoff);
        while (Threads != 0)
        {
            backoff.Wait();
        }

        LoadContextTenants.Remove(this);
    }

    /// <summary>Does or awaits all jobs that there are.</summary>
    /// <param name="watch">Who may stop that between two jobs; null for nobody.</param>
    public void AwaitAll(ReleaseWatch? watch = null)
    {
        var backoff = default(Backoff);
        while (watch is not { IsCancelled: true } && TryHelp())
        {
            backoff.Wait();
        }
    }

    /// <summary>Has one more thread look, if a job wants one.</summary>
    internal void Wake()
    {
        _lock.Enter();
        bool wanted = IsWanted();
        bool wake = wanted && _idle > 0;
        bool spawn = wanted && _idle == 0 && _threads < Width;
        _lock.Exit();
        if (wake)
        {
            Signal();
        }
        else if (spawn)
        {
            _spawner!.Ask();
        }
    }

    /// <summary>Takes a job out that ends; whoever was last in it says so. One with something left is counted when it is done.</summary>
    internal void Remove(TeardownJob job, bool isDone)
    {
        _lock.Enter();
        if (job.IsListed)
        {
            Unlink(job);
        }

        _lock.Exit();
        if (isDone)
        {
            Ledger.NoteEnd(job);
        }
    }

    /// <summary>Throws the first exception of a step, if there was one.</summary>
    internal static void ThrowIfFailed(TeardownJob job)
    {
        if (job.Failure is { } failure)
        {
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(failure);
        }
    }

    /// <summary>Works on a job that is left.</summary>
    /// <returns>False when there is none.</returns>
    private bool TryHelp()
    {
        _lock.Enter();
        bool any = _first is not null;
        TeardownJob? job = EnterFirst();
        _lock.Exit();
        job?.WorkInside(isWorker: false);
        return any;
    }

    private bool TryAdd(TeardownJob job)
    {
        _lock.Enter();
        bool open = !_closed && _spawner is not null && (_threads > 0 || BackgroundJob.HasThread);

        // Whoever waits for the job may have come first and be through with it; a job that finishes has been taken out.
        if (open && !job.IsListed && job.Phase is JobPhase.Queued or JobPhase.Running)
        {
            Link(job);
        }

        _lock.Exit();
        return open;
    }

    private void Link(TeardownJob job)
    {
        Invariant.Assert(_lock.IsHeld, "A teardown job comes into the list without the lock.");
        Invariant.Assert(job is { IsListed: false, Next: null, Previous: null }, "A teardown job comes into the list a second time.");
        job.IsListed = true;
        job.Previous = _last;
        if (_last is not null)
        {
            _last.Next = job;
        }
        else
        {
            _first = job;
        }

        _last = job;
    }

    private void Unlink(TeardownJob job)
    {
        Invariant.Assert(_lock.IsHeld && job.IsListed, "A teardown job leaves the list without the lock, or is not in it.");
        (TeardownJob? previous, TeardownJob? next) = (job.Previous, job.Next);
        Invariant.Assert(ReferenceEquals(previous is null ? _first : previous.Next, job), "The job before one that leaves the list does not lead to it.");
        Invariant.Assert(ReferenceEquals(next is null ? _last : next.Previous, job), "The job behind one that leaves the list does not lead to it.");
        if (previous is not null)
        {
            previous.Next = next;
        }
        else
        {
            _first = next;
        }

        if (next is not null)
        {
            next.Previous = previous;
        }
        else
        {
            _last = previous;
        }

        (job.Previous, job.Next, job.IsListed) = (null, null, false);
    }

    private bool IsWanted()
    {
        Invariant.Assert(_lock.IsHeld, "Threads are asked for without the lock of the teardown workers.");
        TeardownJob? job = _first;
        while (job is not null && !job.WantsThread)
        {
            job = job.Next;
        }

        return job is not null;
    }

    /// <summary>Enters the first job that wants a thread. It is in the list, so it has not ended.</summary>
    private TeardownJob? EnterFirst()
    {
        Invariant.Assert(_lock.IsHeld, "A teardown job is looked for without the lock.");
        TeardownJob? job = _first;
        while (job is not null && !(job.WantsThread && job.TryEnter(job.Width)))
        {
            job = job.Next;
        }

        return job;
    }
}
