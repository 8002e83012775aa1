// Purpose      one background thread that makes somebody work again and again, until either is no longer wanted.
// Ownership    field             | who writes     | who reads      | how
//              stop              | stop, dispose  | the thread     | release before the event is set, acquire after the wait
// Progress     a beat that throws is counted and written down, and the next one comes: work in the background must not end a process.
//              The event is one of the system's: setting it takes no managed lock, so an interrupt cannot come out of Stop. It is never
//              disposed, because stopping twice must be harmless; its handle goes with the last reference.

using System.Diagnostics.CodeAnalysis;
using NativeMm.Diagnostics;
using NativeMm.Primitives;

namespace NativeMm.Reporting;

/// <summary>
/// One background thread that makes somebody work again and again. It holds him weakly, so that who is not referenced any more can go, and
/// ends with him. Thread-safe.
/// </summary>
internal sealed class BackgroundPasses : IDisposable, ILoadContextTenant
{
    private static readonly TimeSpan s_waitMin = TimeSpan.FromMilliseconds(1);

    private readonly WeakReference<IBackgroundPass> _worker;
    private readonly AutoResetEvent _wake = new(initialState: false);
    private readonly FailureLog _failures;
    private readonly TimeSpan _interval;
    private readonly BackgroundThread _thread;
    private TimeSpan _wait;
    private int _stop;

    /// <summary>Starts the thread. One that the system refuses is tried again later; the passes begin then.</summary>
    /// <param name="worker">Who works.</param>
    /// <param name="interval">Time to the first pass, and from one that failed to the next.</param>
    /// <param name="name">Name of the thread.</param>
    /// <param name="start">Starts a thread or throws; null for the system's. For tests.</param>
    public BackgroundPasses(IBackgroundPass worker, TimeSpan interval, string name, Action<Thread>? start = null)
    {
        _worker = new WeakReference<IBackgroundPass>(worker);
        _interval = interval;
        _wait = interval;
        _failures = new FailureLog(name);
        LoadContextTenants.Add(this);
        _thread = new BackgroundThread(name, ThreadPriority.BelowNormal, Run, start);
    }

    /// <summary>Whether there is a thread that did not end yet.</summary>
    public bool IsRunning => _thread.IsRunning;

    /// <summary>Passes that ended with an exception, and one for a thread that the system refuses at this moment.</summary>
    public long Failures => _failures.Count + (_thread.HasStarted ? 0 : 1);

    /// <summary>What the last of them said, or null.</summary>
    public string? LastFailure => _thread.Refusal ?? _failures.Last;

    /// <summary>Asks the thread to end. It makes no further pass; one that is under way is not waited for.</summary>
    public void Stop()
    {
        Atomic.StoreRelease(ref _stop, 1);
        _thread.Forget();
        try
        {
            _wake.Set();
        }
        catch (ObjectDisposedException)
        {
            // Forgotten with its owner, and finalized before it: the thread ended long ago, or it would have kept the event.
        }
    }

    /// <inheritdoc/>
    public void Leave() => Stop();

    /// <summary>Stops the thread and waits for the pass that it may be in, unless that pass itself calls this.</summary>
    public void Dispose()
    {
        Stop();
        _thread.Await();
    }

    private void Run()
    {
        while (TryRunOnce())
        {
        }

        LoadContextTenants.Remove(this);
    }

    // Without managed memory not even the code that counts a failure may get compiled: then the failure is lost, and the thread goes on.
    [SuppressMessage("Design", "CA1031:Do not catch general exception types", Justification = "Work in the background must not end a process.")]
    private bool TryRunOnce()
    {
        try
        {
            return RunOnce();
        }
        catch (Exception)
        {
            return true;
        }
    }

    [SuppressMessage("Design", "CA1031:Do not catch general exception types", Justification = "Work in the background must not end a process.")]
    private bool RunOnce()
    {
        try
        {
            _wake.WaitOne(_wait < s_waitMin ? s_waitMin : _wait);
            if (Atomic.LoadAcquire(ref _stop) != 0 || !_worker.TryGetTarget(out IBackgroundPass? worker))
            {
                return false;
            }

            _wait = _interval;
            _wait = worker.RunPass();
        }
        catch (Exception exception)
        {
            _failures.Note(exception);
        }

        return true;
    }
}
