namespace NativeMm.Extensions;

/// <summary>One load of a key from the second tier, shared by everybody who wants the key meanwhile.</summary>
internal sealed class TierFlight
{
    // Waiters go on by themselves: the flight is ended under no lock, but on the thread of the load.
    private readonly TaskCompletionSource<TierAnswer> _end = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Ends with the load; it never fails.</summary>
    public Task<TierAnswer> Task => _end.Task;

    /// <summary>Whether the key was written since the load began: what it brings may be old. Under the lock of the stripe.</summary>
    public bool IsOutdated { get; set; }

    /// <summary>Tells the waiters. A second call does nothing.</summary>
    public void End(TierAnswer answer) => _end.TrySetResult(answer);
}
