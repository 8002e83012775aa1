using NativeMm.Caching;
using NativeMm.Runtime;
using NativeMm.Tests.Support.Caching;
using Xunit;

namespace NativeMm.Tests.Unit.Caching;

/// <summary>A clock that goes back, and one that leaps: what it says now decides, and nothing that it said before.</summary>
public sealed class NativeCacheClockTests : IDisposable
{
    private const long Year = 365L * 24 * 3600 * 1000;
    private readonly TestClock _clock = new();
    private readonly MemoryRuntime _runtime = new(new MemoryRuntimeOptions { CapacityBytes = 64 << 20, BackgroundTrim = false });
    private readonly NativeCache _cache;

    public NativeCacheClockTests() => _cache = new NativeCache(_runtime, new NativeCacheOptions { SizeLimit = 8 << 20, TimeProvider = _clock });

    public void Dispose()
    {
        _cache.Dispose();
        _runtime.Dispose();
    }

    [Theory]
    [InlineData(1)]
    [InlineData(100 * Year)]
    public void An_entry_lives_until_its_time_whatever_the_clock_did_before(long leap)
    {
        Advance(200 * Year);
        Assert.True(_cache.Set("k"u8, "v"u8, new CacheEntryOptions { AbsoluteExpirationRelativeToNow = TimeSpan.FromSeconds(10) }));
        Advance(-leap);
        Assert.True(_cache.Contains("k"u8));
        Advance(leap + 9_999);
        Assert.True(_cache.Contains("k"u8));

        // What was only looked up is still there when the clock turns out to be wrong.
        Advance(leap);
        Assert.False(_cache.Contains("k"u8));
        Advance(-leap);
        Assert.True(_cache.Contains("k"u8));
        Advance(1);
        Assert.False(_cache.Contains("k"u8));
        _cache.Validate();
    }

    [Fact]
    public void A_use_while_the_clock_is_back_takes_nothing_from_a_sliding_entry()
    {
        Advance(10 * Year);
        Assert.True(_cache.Set("k"u8, "v"u8, new CacheEntryOptions { SlidingExpiration = TimeSpan.FromSeconds(10) }));
        Advance(-Year);
        Assert.True(_cache.Refresh("k"u8));
        Advance(Year + 9_999);
        Assert.True(_cache.Contains("k"u8));
        Advance(1);
        Assert.False(_cache.Contains("k"u8));
    }

    /// <summary>At the last moment that there is, everything that has an end has ended, and nothing overflows.</summary>
    [Fact]
    public void A_clock_at_the_end_of_time_adds_nothing_to_it()
    {
        Assert.True(_cache.Set("timed"u8, "v"u8, new CacheEntryOptions { AbsoluteExpirationRelativeToNow = TimeSpan.FromDays(1) }));
        Assert.True(_cache.Set("never"u8, "v"u8));
        _clock.Advance(DateTimeOffset.MaxValue - _clock.Now);
        Assert.False(_cache.Contains("timed"u8));
        Assert.True(_cache.Contains("never"u8));
        Assert.True(_cache.Set("sliding"u8, "v"u8, new CacheEntryOptions { SlidingExpiration = TimeSpan.MaxValue }));
        Assert.True(_cache.Contains("sliding"u8));
        _ = _cache.Set("late"u8, "v"u8, new CacheEntryOptions { AbsoluteExpirationRelativeToNow = TimeSpan.MaxValue });
        _ = _cache.Trim();
        Assert.True(_cache.Contains("never"u8));
        _cache.Validate();
    }

    /// <summary>
    /// All must stay, and few expire. While the clock is a year ahead some of those go to make room; what a full cache remembers of that must not keep the rest there when
    /// the clock is right again, and their time has come.
    /// </summary>
    [Fact]
    public void A_clock_that_was_ahead_does_not_keep_what_expires_when_it_is_right_again()
    {
        CacheEntryOptions never = new() { Priority = CachePriority.NeverRemove };
        CacheEntryOptions soon = never with { AbsoluteExpirationRelativeToNow = TimeSpan.FromSeconds(10) };
        // Not so many that the index is full as well: room for a larger one would take all that expire.
        byte[] value = new byte[265];
        int stored = 0;
        while (_cache.Set(BitConverter.GetBytes(stored), value, stored % 1000 == 0 ? soon : never))
        {
            stored++;
        }

        int expire = (stored + 999) / 1000;
        Advance(Year);
        Assert.True(_cache.Set(BitConverter.GetBytes(stored), value, never));
        Advance(-Year);
        int more = 1 + Fill(stored + 1, value, never);
        Assert.InRange(more, 1, expire / 2);
        Advance(10_000);
        more += Fill(stored + more, value, never);

        // A record that may expire has 8 bytes more than one that may not.
        Assert.InRange(more, expire - 1, expire);
        _cache.Validate();
    }

    private void Advance(long milliseconds) => _clock.Advance(TimeSpan.FromTicks(milliseconds * TimeSpan.TicksPerMillisecond));

    private int Fill(int first, byte[] value, CacheEntryOptions options)
    {
        int count = 0;
        while (_cache.Set(BitConverter.GetBytes(first + count), value, options))
        {
            count++;
        }

        return count;
    }
}
