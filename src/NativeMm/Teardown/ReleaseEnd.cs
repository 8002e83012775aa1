using NativeMm.Primitives;

namespace NativeMm.Teardown;

/// <summary>
/// The end of a release in the background, as a task. Made before anything is decided, because it takes managed memory; what comes later takes none, and asks nothing of the
/// framework's thread pool but what whoever awaits the task has asked for.
/// </summary>
internal sealed class ReleaseEnd
{
    private readonly TaskCompletionSource _source = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TeardownJob _job;
    private readonly IProgress<TeardownProgress>? _progress;
    private readonly CancellationToken _token;
    private readonly CancellationTokenRegistration _registration;
    private readonly Action<Exception?, bool> _completion;
    private int _isBegun;

    /// <summary>Makes the end of a job; the job is not touched yet. <see cref="Begin"/>, <see cref="CompleteNow"/> or <see cref="Forget"/> follows.</summary>
    public ReleaseEnd(TeardownJob job, IProgress<TeardownProgress>? progress, CancellationToken token)
    {
        (_job, _progress, _token) = (job, progress, token);
        _completion = Settle;
        _registration = token.UnsafeRegister(static end => ((ReleaseEnd)end!).Cancel(), this);
    }

    /// <summary>What was wrong before the release began, or null.</summary>
    public Exception? Failure { get; set; }

    /// <summary>There was nothing worth the background, and all of it is done.</summary>
    public Task CompleteNow()
    {
        Settle(null, isDone: true);
        return _source.Task;
    }

    /// <summary>It is not needed: somebody else has the job, or nothing was decided. Whoever has the token forgets it.</summary>
    public void Forget() => _registration.Unregister();

    /// <summary>Has the job tell this of its end; for one that others may help before <see cref="Begin"/>. Nobody works on it.</summary>
    public void Attach() => (_job.Listener, _job.Completion) = (_progress, _completion);

    /// <summary>Hands the job over, which was begun; where nobody takes it, it is done here.</summary>
    public Task Begin()
    {
        Attach();

        // Before this the job may be another's, and its own begin forgets a cancellation: one that came until now is seen here, a later one by the callback.
        Atomic.StoreRelease(ref _isBegun, 1);
        Atomic.FullFence();
        if (_token.IsCancellationRequested)
        {
            _job.Cancel();
        }

        if (!_job.Workers.TryQueue(_job))
        {
            _job.Workers.Ledger.NoteWithoutWorker();
            _job.Workers.AwaitEnd(_job);
        }

        return _source.Task;
    }

    private void Cancel()
    {
        Atomic.FullFence();
        if (Atomic.LoadAcquire(in _isBegun) != 0)
        {
            _job.Cancel();
        }
    }

    private void Settle(Exception? failure, bool isDone)
    {
        // Without a wait for a callback that is under way: it may be what has led here.
        _registration.Unregister();
        failure = Failure ?? failure;
        if (failure is not null)
        {
            _source.TrySetException(failure);
        }
        else if (isDone)
        {
            _source.TrySetResult();
        }
        else
        {
            _source.TrySetCanceled(_token);
        }
    }
}
