using NativeMm.Diagnostics;

namespace NativeMm.Caching;

/// <summary>The times of an entry, in milliseconds since the year 1, as the cache's clock has them.</summary>
/// <param name="Deadline">From this millisecond on the entry is expired; <see cref="Never"/> for never.</param>
/// <param name="Absolute">What no use renews it beyond.</param>
/// <param name="Sliding">How long it stays from a use on; 0 for no such limit.</param>
internal readonly record struct CacheTimes(long Deadline, long Absolute, long Sliding)
{
    /// <summary>A time that does not come.</summary>
    public const long Never = long.MaxValue;

    /// <summary>The latest time that the clock can have.</summary>
    private const long Latest = 315_537_897_599_999;

    /// <summary>The time now.</summary>
    public static long Now(TimeProvider clock) => clock.GetUtcNow().UtcTicks / TimeSpan.TicksPerMillisecond;

    /// <summary>The times of an entry that is set now. A relative or sliding time of a part of a millisecond counts as a whole one.</summary>
    public static CacheTimes Of(in CacheEntryOptions options, TimeSpan? defaultExpiration, long now)
    {
        long absolute = Never;
        if (options.AbsoluteExpiration is { } moment)
        {
            absolute = moment.UtcTicks / TimeSpan.TicksPerMillisecond;
        }

        TimeSpan? relative = options.HasExpiration ? options.AbsoluteExpirationRelativeToNow : defaultExpiration;
        if (relative is { } span)
        {
            absolute = long.Min(absolute, Later(now, span));
        }

        long sliding = options.SlidingExpiration is { } unused ? long.Min(Milliseconds(unused), Latest) : 0;
        long deadline = sliding == 0 ? absolute : long.Min(absolute, now + sliding);
        Invariant.Assert(sliding >= 0 && deadline <= absolute && (sliding == 0 || deadline != Never), $"An entry slides by {sliding} ms, up to {absolute}, and ends at {deadline}.");
        return new CacheTimes(deadline, absolute, sliding);
    }

    private static long Later(long now, TimeSpan span) => long.Min(Latest, now + Milliseconds(span));

    private static long Milliseconds(TimeSpan span) => ((span.Ticks - 1) / TimeSpan.TicksPerMillisecond) + 1;
}
