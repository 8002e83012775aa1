namespace NativeMm.Zsmalloc;

/// <summary>One lock for the pool, any number of compactors.</summary>
internal struct PoolLocking : IZsLocking
{
    /// <inheritdoc/>
    public static bool OneLock => true;

    /// <inheritdoc/>
    public static bool OneCompactor => false;
}
