namespace NativeMm.Teardown;

/// <summary>The end of a release in the background, as a task. Made before anything is decided: it takes managed memory.</summary>
internal sealed class ReleaseEnd
{
    private readonly TaskCompletionSource _source = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TeardownJob _job;
    private readonly IProgress<TeardownProgress>? _progress;
    private readonly CancellationToken _token;
    private readonly Action<Exception?, bool> _completion;

    /// <summary>Makes the end of a job; the job is not touched yet.</summary>
    public ReleaseEnd(TeardownJob job, IProgress<TeardownProgress>? progress, CancellationToken token)
    {
        (_job, _progress, _token) = (job, progress, token);
        _completion = Settle;
    }

    /// <summary>What was wrong before the release began, or null.</summary>
    public Exception? Failure { get; set; }

    /// <summary>There was nothing worth the background, and all of it is done.</summary>
    public Task CompleteNow()
    {
        Settle(null, isDone: true);
        return _source.Task;
    }

    /// <summary>Has the job tell this of its end; for one that others may help before <see cref="Begin"/>. Nobody works on it.</summary>
    public void Attach() => (_job.Listener, _job.Completion) = (_progress, _completion);

    /// <summary>Hands the job over, which was begun; where nobody takes it, it is done here.</summary>
    public Task Begin()
    {
        Attach();
        if (_token.CanBeCanceled)
        {
            // It lives as long as the task, which whoever has the token may forget.
            CancellationTokenRegistration registration = _token.UnsafeRegister(static job => ((TeardownJob)job!).Cancel(), _job);
            _source.Task.ContinueWith(
                static (_, state) => ((CancellationTokenRegistration)state!).Unregister(),
                registration,
                CancellationToken.None,
                TaskContinuationOptions.ExecuteSynchronously,
                TaskScheduler.Default);
        }

        if (!_job.Workers.TryQueue(_job))
        {
            _job.Workers.Ledger.NoteWithoutWorker();
            _job.Workers.AwaitEnd(_job);
        }

        return _source.Task;
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
