namespace NativeMm.Vmap;

/// <summary>Who unmaps freed ranges.</summary>
public enum PurgeExecutor
{
    /// <summary>
    /// The thread whose free pulled the trigger, unless somebody else is at it already. Nothing goes in idle time then, unless somebody calls
    /// <see cref="VmapAllocator.Trim"/>.
    /// </summary>
    Caller,

    /// <summary>One background thread. In idle time it also gives back what is kept and not used.</summary>
    Worker,

    /// <summary>One background thread, and one helper more for every <see cref="LazyPurgePolicy.LazyPagesMax"/> that are outstanding.</summary>
    WorkerPerLazyMax,
}
