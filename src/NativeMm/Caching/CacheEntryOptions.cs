namespace NativeMm.Caching;

/// <summary>When an entry of a <see cref="NativeCache"/> ends, and how dear it is. The default never expires by itself unless the cache has a default expiration.</summary>
/// <remarks>Times are exact to the millisecond by the cache's <see cref="NativeCacheOptions.TimeProvider"/>: an entry is there until its last millisecond is over.</remarks>
public readonly record struct CacheEntryOptions
{
    /// <summary>When the entry expires. A time that has passed stores nothing. Null for never.</summary>
    public DateTimeOffset? AbsoluteExpiration { get; init; }

    /// <summary>
    /// How long after it is set the entry expires; more than zero. The earlier of this and <see cref="AbsoluteExpiration"/> counts. Null for never.
    /// </summary>
    public TimeSpan? AbsoluteExpirationRelativeToNow { get; init; }

    /// <summary>
    /// How long the entry stays without being read; more than zero, counted in whole milliseconds and at least one. Every hit renews it, up to the absolute
    /// expiration. Null for no such limit.
    /// </summary>
    public TimeSpan? SlidingExpiration { get; init; }

    /// <summary>How dear the entry is when the cache is full. Default <see cref="CachePriority.Normal"/>.</summary>
    public CachePriority Priority { get; init; }

    /// <summary>Whether the options say anything of time.</summary>
    internal bool HasExpiration => AbsoluteExpiration.HasValue || AbsoluteExpirationRelativeToNow.HasValue || SlidingExpiration.HasValue;

    /// <summary>Throws when a value is out of its range.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The message names the option, its value and its range.</exception>
    public void Validate()
    {
        if (AbsoluteExpirationRelativeToNow is { } relative && relative <= TimeSpan.Zero)
        {
            throw new ArgumentOutOfRangeException(nameof(AbsoluteExpirationRelativeToNow), relative, "The relative expiration is more than zero.");
        }

        if (SlidingExpiration is { } sliding && sliding <= TimeSpan.Zero)
        {
            throw new ArgumentOutOfRangeException(nameof(SlidingExpiration), sliding, "The sliding expiration is more than zero.");
        }

        if (Priority is < CachePriority.Low or > CachePriority.NeverRemove)
        {
            throw new ArgumentOutOfRangeException(nameof(Priority), Priority, "The priority is Low, Normal, High or NeverRemove.");
        }
    }
}
