namespace NativeMm.Primitives;

/// <summary>Statistics switched off: the JIT erases every call.</summary>
internal struct NoLockStatistics : ILockStatistics
{
    /// <inheritdoc/>
    public static bool Enabled => false;

    /// <inheritdoc/>
    public readonly void Acquired(long timestamp)
    {
    }

    /// <inheritdoc/>
    public readonly void AcquiredAfterWait(long waitedFrom, long timestamp)
    {
    }

    /// <inheritdoc/>
    public readonly void Releasing(long timestamp)
    {
    }
}
