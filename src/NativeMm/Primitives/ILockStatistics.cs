namespace NativeMm.Primitives;

/// <summary>
/// What a lock tells about itself. Locks take it as a struct type parameter, so that <see cref="NoLockStatistics"/> costs nothing at all.
/// </summary>
internal interface ILockStatistics
{
    /// <summary>Whether the lock should read the clock at all.</summary>
    static abstract bool Enabled { get; }

    /// <summary>The lock was taken at once.</summary>
    /// <param name="timestamp">The moment, in clock ticks.</param>
    void Acquired(long timestamp);

    /// <summary>The lock was taken after a wait.</summary>
    /// <param name="waitedFrom">When the wait began, in clock ticks.</param>
    /// <param name="timestamp">When the lock was taken, in clock ticks.</param>
    void AcquiredAfterWait(long waitedFrom, long timestamp);

    /// <summary>The lock is about to be released.</summary>
    /// <param name="timestamp">The moment, in clock ticks.</param>
    void Releasing(long timestamp);
}
