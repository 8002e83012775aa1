namespace NativeMm.Zsmalloc;

/// <summary>One lock for the pool, one compactor.</summary>
internal struct PoolSingleCompactorLocking : IZsLocking
{
    /// <inheritdoc/>
    public static bool OneLock => true;

    /// <inheritdoc/>
    public static bool OneCompactor => true;
}
