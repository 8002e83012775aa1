using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Caching.Distributed;

namespace NativeMm.Extensions;

/// <summary>When an entry ends, in milliseconds: the units in which it travels to another process.</summary>
/// <param name="EndsAt">Since 1970; 0 for never.</param>
/// <param name="Sliding">Since the last access; 0 for none.</param>
internal readonly record struct EntryLifetime(long EndsAt, long Sliding)
{
    // Further away than time goes is never, and an idle time beyond a hundred years is as good.
    private const long EndsAtMax = 253_402_300_799_999;
    private const long SlidingMax = 36_525L * 86_400_000;

    /// <summary>Reads the options as the framework's caches do. Of two absolute expirations the earlier one counts.</summary>
    /// <param name="options">The options.</param>
    /// <param name="now">The time.</param>
    /// <param name="relativeDefault">Where there is no expiration at all; null for none.</param>
    /// <exception cref="ArgumentOutOfRangeException">An expiration lies in the past, or is not positive; the name is that of the option.</exception>
    [SuppressMessage("Usage", "CA2208:Instantiate argument exceptions correctly", Justification = "The framework's caches name the option.")]
    public static EntryLifetime Of(DistributedCacheEntryOptions options, DateTimeOffset now, TimeSpan? relativeDefault)
    {
        // The framework's messages to the letter: what programs and their tests know.
        if (options.AbsoluteExpiration is { } absolute && absolute <= now)
        {
            throw new ArgumentOutOfRangeException(
                nameof(DistributedCacheEntryOptions.AbsoluteExpiration), absolute, "The absolute expiration value must be in the future.");
        }

        if (options.AbsoluteExpirationRelativeToNow is { } relative && relative <= TimeSpan.Zero)
        {
            throw new ArgumentOutOfRangeException(
                nameof(DistributedCacheEntryOptions.AbsoluteExpirationRelativeToNow), relative, "The relative expiration value must be positive.");
        }

        if (options.SlidingExpiration is { } sliding && sliding <= TimeSpan.Zero)
        {
            throw new ArgumentOutOfRangeException(
                nameof(DistributedCacheEntryOptions.SlidingExpiration), sliding, "The sliding expiration value must be positive.");
        }

        bool isBare = options.AbsoluteExpiration is null && options.AbsoluteExpirationRelativeToNow is null && options.SlidingExpiration is null;
        long present = now.UtcTicks - DateTimeOffset.UnixEpoch.Ticks;
        long endsAt = options.AbsoluteExpiration is { } given ? Milliseconds(given.UtcTicks - DateTimeOffset.UnixEpoch.Ticks) : long.MaxValue;
        if ((isBare ? relativeDefault : options.AbsoluteExpirationRelativeToNow) is { } after && after.Ticks <= long.MaxValue - present)
        {
            endsAt = long.Min(endsAt, Milliseconds(present + after.Ticks));
        }

        return new EntryLifetime(
            endsAt <= EndsAtMax ? endsAt : 0, options.SlidingExpiration is { } idle ? long.Min(Milliseconds(idle.Ticks), SlidingMax) : 0);
    }

    /// <summary>Whether it is over by its absolute expiration.</summary>
    public bool IsOver(long now) => EndsAt != 0 && EndsAt <= now;

    // Rounded up: an entry of half a millisecond is alive until the next full one.
    private static long Milliseconds(long ticks) => (ticks / TimeSpan.TicksPerMillisecond) + (ticks % TimeSpan.TicksPerMillisecond != 0 ? 1 : 0);
}
