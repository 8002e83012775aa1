namespace NativeMm.Vmap;

/// <summary>Who unmaps freed ranges.</summary>
public enum PurgeExecutor
{
    /// <summary>The thread whose free pulled the trigger, unless somebody else is at it already.</summary>
    Caller,

    /// <summary>One background thread.</summary>
    Worker,

    /// <summary>One background thread, and one helper more for every <see cref="LazyPurgePolicy.LazyPagesMax"/> that are outstanding.</summary>
    WorkerPerLazyMax,
}
