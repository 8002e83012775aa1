using System.Diagnostics.CodeAnalysis;
using NativeMm.Diagnostics;

namespace NativeMm.Extensions;

/// <summary>Lets a budget look at intervals, from the start of the host to its end.</summary>
/// <param name="budget">The budget.</param>
/// <param name="time">Whose timer.</param>
internal sealed class MemoryBudgetService(MemoryBudget budget, TimeProvider time) : IDisposable
{
    private static readonly TimeSpan s_interval = TimeSpan.FromMilliseconds(50);

    private readonly FailureLog _failures = new("the memory budget");
    private PeriodicTimer? _timer;
    private Task _work = Task.CompletedTask;

    /// <summary>Looks for the first time, and from now on at intervals.</summary>
    public void Begin()
    {
        budget.Begin();
        TryStep();
        _timer = new PeriodicTimer(s_interval, time);
        _work = Task.Factory.StartNew(
            () => RunAsync(_timer), CancellationToken.None, TaskCreationOptions.DenyChildAttach, TaskScheduler.Default).Unwrap();
    }

    /// <summary>Ends looking, and the limit.</summary>
    /// <param name="cancellationToken">Ends the wait for a look that is at work, and nothing else.</param>
    public async Task EndAsync(CancellationToken cancellationToken)
    {
        _timer?.Dispose();
        try
        {
            await _work.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            // Also where a handler of the service does not come back in time.
            budget.End();
        }
    }

    /// <summary>The end of a host that failed to start: nobody stops what it started.</summary>
    public void Dispose()
    {
        _timer?.Dispose();
        budget.End();
    }

    private async Task RunAsync(PeriodicTimer timer)
    {
        while (await timer.WaitForNextTickAsync().ConfigureAwait(false))
        {
            TryStep();
        }
    }

    [SuppressMessage("Design", "CA1031:Do not catch general exception types", Justification = "A step that fails is written down; the next one comes.")]
    private void TryStep()
    {
        try
        {
            budget.Step();
        }
        catch (Exception failure)
        {
            _failures.Note(failure);
        }
    }
}
