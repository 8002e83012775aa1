namespace NativeMm.Teardown;

/// <summary>Where a <see cref="TeardownJob"/> is.</summary>
internal enum JobPhase
{
    /// <summary>It was never begun, or is being prepared.</summary>
    Idle,

    /// <summary>It waits for the first thread.</summary>
    Queued,

    /// <summary>Threads work on it, or did and left something.</summary>
    Running,

    /// <summary>All of it was taken, and the last thread finishes it.</summary>
    Finishing,

    /// <summary>All of it is done.</summary>
    Done,

    /// <summary>It was cancelled with something left; whoever began it goes on with it some time.</summary>
    Abandoned,
}
