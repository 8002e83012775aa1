// Purpose      a timer for a budget, from the start of its host to its end.
// States       _state: Idle, Running, Disposed. Begin: Idle to Running. EndAsync: Running to Idle, for a host may start again. Dispose: any to Disposed.
// Ownership    state and timer | under _lock | whoever takes the timer out ends it
// Progress     the clock, the budget and the service's code are called outside of the lock. Begin runs no handler: the looks are taken on a thread of the pool.

using System.Diagnostics.CodeAnalysis;
using NativeMm.Diagnostics;
using NativeMm.Primitives;

namespace NativeMm.Extensions;

/// <summary>Lets a budget look at intervals, from the start of the host to its end. Thread-safe.</summary>
/// <param name="budget">The budget.</param>
/// <param name="time">Whose timer.</param>
internal sealed class MemoryBudgetService(MemoryBudget budget, TimeProvider time) : IDisposable
{
    private const int Idle = 0;
    private const int Running = 1;
    private const int Disposed = 2;

    private static readonly TimeSpan s_interval = TimeSpan.FromMilliseconds(50);

    private readonly FailureLog _failures = new("the memory budget");
    private SleepLock _lock;
    private PeriodicTimer? _timer;
    private Task _work = Task.CompletedTask;
    private int _state;

    /// <summary>Sets the collector's limit, and looks from now on at intervals. Does nothing while that goes on, or after <see cref="Dispose"/>.</summary>
    public void Begin()
    {
        using (_lock.EnterScope())
        {
            if (_state != Idle)
            {
                return;
            }

            _state = Running;
        }

        Quietly(static budget => budget.Begin());
        var timer = new PeriodicTimer(s_interval, time);
        if (!TryPublish(timer))
        {
            // The end came in between.
            timer.Dispose();
            budget.End();
            return;
        }

        _work = Task.Factory.StartNew(
            () => RunAsync(timer), CancellationToken.None, TaskCreationOptions.DenyChildAttach, TaskScheduler.Default).Unwrap();
    }

    /// <summary>Ends looking, and the limit.</summary>
    /// <param name="cancellationToken">Ends the wait for a look that is at work, and nothing else.</param>
    public async Task EndAsync(CancellationToken cancellationToken)
    {
        TakeTimer()?.Dispose();
        try
        {
            await _work.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            // Also where a handler of the service does not come back in time.
            budget.End();
            using (_lock.EnterScope())
            {
                _state = _state == Running ? Idle : _state;
            }
        }
    }

    /// <summary>The end of a host that failed to start: nobody stops what it started.</summary>
    public void Dispose()
    {
        using (_lock.EnterScope())
        {
            _state = Disposed;
        }

        TakeTimer()?.Dispose();
        budget.End();
    }

    private bool TryPublish(PeriodicTimer timer)
    {
        using (_lock.EnterScope())
        {
            if (_state != Running)
            {
                return false;
            }

            _timer = timer;
            return true;
        }
    }

    private PeriodicTimer? TakeTimer()
    {
        using (_lock.EnterScope())
        {
            PeriodicTimer? taken = _timer;
            _timer = null;
            return taken;
        }
    }

    private async Task RunAsync(PeriodicTimer timer)
    {
        do
        {
            Quietly(static budget => budget.Step());
        }
        while (await timer.WaitForNextTickAsync().ConfigureAwait(false));
    }

    [SuppressMessage("Design", "CA1031:Do not catch general exception types", Justification = "A step that fails is written down; the next one comes.")]
    private void Quietly(Action<MemoryBudget> step)
    {
        try
        {
            step(budget);
        }
        catch (Exception failure)
        {
            _failures.Note(failure);
        }
    }
}
