namespace NativeMm.Zsmalloc;

/// <summary>How a <see cref="ZsPool"/> is locked. Everything else is the same code.</summary>
public enum ZsLockMode
{
    /// <summary>
    /// A lock for each class and stripe; handles are resolved without any. The default. Workers on different cores and compactors of different
    /// classes do not meet.
    /// </summary>
    PerClass,

    /// <summary>One lock for the whole pool, which also guards the resolving of a handle. Linux 6.2 to 6.10.</summary>
    Pool,

    /// <summary>One lock for the whole pool and one compactor at a time; others wait for their turn. Linux 6.4.</summary>
    PoolSingleCompactor,
}
