using NativeMm.Primitives;

namespace NativeMm.Teardown;

/// <summary>The end of a release in the background, as a task. Made before anything is decided: it takes managed memory.</summary>
internal sealed class ReleaseEnd
{
    private readonly TaskCompletionSource _source = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TeardownJob _job;
    private readonly IProgress<TeardownProgress>? _progress;
    private readonly CancellationToken _token;
    private readonly Action<Exception?, bool> _completion;
    private CancellationTokenRegistration _registration;

    /// <summary>Makes the end of a job that is not begun.</summary>
    public ReleaseEnd(TeardownJob job, IProgress<TeardownProgress>? progress, CancellationToken token)
    {
        (_job, _progress, _token) = (job, progress, token);
        _completion = Complete;
    }

    /// <summary>What was wrong before the release began, or null.</summary>
    public Exception? Failure { get; set; }

    /// <summary>There was nothing worth the background, and all of it is done.</summary>
    public Task CompleteNow()
    {
        Settle(null, isDone: true);
        return _source.Task;
    }

    /// <summary>Hands the job over, which was begun; where nobody takes it, it is done here.</summary>
    public Task Begin()
    {
        _job.Listener = _progress;
        _job.Completion = _completion;
        _registration = _token.UnsafeRegister(static job => ((TeardownJob)job!).Cancel(), _job);
        if (!_job.Workers.TryQueue(_job))
        {
            _job.Workers.Ledger.NoteWithoutWorker();
            _job.Workers.AwaitEnd(_job);
        }

        return _source.Task;
    }

    private void Complete(Exception? failure, bool isDone)
    {
        _registration.Unregister();
        Settle(failure, isDone);
    }

    private void Settle(Exception? failure, bool isDone)
    {
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
