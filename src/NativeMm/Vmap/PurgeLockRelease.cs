namespace NativeMm.Vmap;

/// <summary>When a purge that gives ranges back lets go of the lock of the free space in between.</summary>
public enum PurgeLockRelease
{
    /// <summary>After every <see cref="LazyPurgePolicy.LockReleaseBatch"/> pieces.</summary>
    EveryBatch,

    /// <summary>
    /// After every <see cref="LazyPurgePolicy.LockReleaseBatch"/> pieces while fewer pages are outstanding than twice
    /// <see cref="LazyPurgePolicy.LazyPagesMax"/>; above that, freeing goes before allocating.
    /// </summary>
    BelowThreshold,

    /// <summary>Not before all pieces are back.</summary>
    Never,
}
