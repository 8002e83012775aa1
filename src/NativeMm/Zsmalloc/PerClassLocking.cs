namespace NativeMm.Zsmalloc;

/// <summary>A lock for each class and stripe.</summary>
internal struct PerClassLocking : IZsLocking
{
    /// <inheritdoc/>
    public static bool OneLock => false;

    /// <inheritdoc/>
    public static bool OneCompactor => false;
}
