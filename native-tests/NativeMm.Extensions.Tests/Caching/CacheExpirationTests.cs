using Microsoft.Extensions.Caching.Distributed;
using Xunit;

namespace NativeMm.Extensions.Tests.Caching;

/// <summary>Expirations as the framework's caches have them, and exact to the millisecond. With and without a second tier, which is empty.</summary>
public sealed class CacheExpirationTests
{
    private static readonly byte[] s_value = [1, 2, 3];

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void What_lies_in_the_past_is_refused_with_the_message_of_the_framework(bool tiered)
    {
        using CacheFixture fixture = Make(tiered);
        foreach (double seconds in (double[])[0, -1, -3600])
        {
            DateTimeOffset past = fixture.Clock.GetUtcNow().AddSeconds(seconds);
            ArgumentOutOfRangeException thrown = Assert.Throws<ArgumentOutOfRangeException>(
                nameof(DistributedCacheEntryOptions.AbsoluteExpiration),
                () => fixture.Cache.Set("key", s_value, new DistributedCacheEntryOptions { AbsoluteExpiration = past }));
            Assert.StartsWith("The absolute expiration value must be in the future.", thrown.Message, StringComparison.Ordinal);
            Assert.Equal(past, thrown.ActualValue);
            thrown = Assert.Throws<ArgumentOutOfRangeException>(
                nameof(DistributedCacheEntryOptions.AbsoluteExpirationRelativeToNow), () => fixture.Cache.Set("key", s_value, CacheFixture.After(seconds)));
            Assert.StartsWith("The relative expiration value must be positive.", thrown.Message, StringComparison.Ordinal);
            thrown = Assert.Throws<ArgumentOutOfRangeException>(
                nameof(DistributedCacheEntryOptions.SlidingExpiration), () => fixture.Cache.Set("key", s_value, CacheFixture.Sliding(seconds)));
            Assert.StartsWith("The sliding expiration value must be positive.", thrown.Message, StringComparison.Ordinal);
        }

        Assert.Null(fixture.Cache.Get("key"));
    }

    [Theory]
    [InlineData(false, 1)]
    [InlineData(false, 250)]
    [InlineData(false, 60_000)]
    [InlineData(true, 1)]
    [InlineData(true, 60_000)]
    public void Absolute_expiration_is_exact_to_the_millisecond(bool tiered, int milliseconds)
    {
        using CacheFixture fixture = Make(tiered);
        fixture.Clock.SetUtcNow(DateTimeOffset.FromUnixTimeMilliseconds(fixture.Clock.GetUtcNow().ToUnixTimeMilliseconds() + 1));
        fixture.Cache.Set("relative", s_value, CacheFixture.After(milliseconds / 1000.0));
        fixture.Cache.Set("at", s_value, new() { AbsoluteExpiration = fixture.Clock.GetUtcNow().AddMilliseconds(milliseconds) });
        fixture.Clock.Advance(TimeSpan.FromMilliseconds(milliseconds) - TimeSpan.FromTicks(1));
        Assert.Equal(s_value, fixture.Cache.Get("relative"));
        Assert.Equal(s_value, fixture.Cache.Get("at"));
        fixture.Clock.Advance(TimeSpan.FromTicks(1));
        Assert.Null(fixture.Cache.Get("relative"));
        Assert.Null(fixture.Cache.Get("at"));
    }

    /// <summary>A second tier keeps a sliding entry an eighth and a second longer: it does not hear of every access.</summary>
    [Theory]
    [InlineData(false, 8)]
    [InlineData(true, 10)]
    public void Sliding_expiration_ends_without_access_and_is_renewed_by_one(bool tiered, double seconds)
    {
        using CacheFixture fixture = Make(tiered);
        fixture.Cache.Set("idle", s_value, CacheFixture.Sliding(8));
        fixture.Cache.Set("read", s_value, CacheFixture.Sliding(8));
        fixture.Cache.Set("refreshed", s_value, CacheFixture.Sliding(8));
        for (int i = 0; i < 20; i++)
        {
            fixture.Advance(3.9);
            Assert.Equal(s_value, fixture.Cache.Get("read"));
            fixture.Cache.Refresh("refreshed");
        }

        Assert.Null(fixture.Cache.Get("idle"));
        Assert.Equal(s_value, fixture.Cache.Get("refreshed"));
        fixture.Advance(7.998);
        Assert.Equal(s_value, fixture.Cache.Get("read"));
        fixture.Advance(seconds + 0.001);
        Assert.Null(fixture.Cache.Get("read"));
        Assert.Null(fixture.Cache.Get("refreshed"));
    }

    [Fact]
    public void Sliding_expiration_is_renewed_no_further_than_the_absolute_one()
    {
        using CacheFixture fixture = Make(tiered: false);
        fixture.Cache.Set("key", s_value, new() { SlidingExpiration = TimeSpan.FromSeconds(1), AbsoluteExpirationRelativeToNow = TimeSpan.FromSeconds(3) });
        for (int i = 0; i < 5; i++)
        {
            fixture.Advance(0.5);
            Assert.Equal(s_value, fixture.Cache.Get("key"));
        }

        fixture.Advance(0.499);
        Assert.NotNull(fixture.Cache.Get("key"));
        fixture.Advance(0.002);
        Assert.Null(fixture.Cache.Get("key"));
    }

    [Fact]
    public void Earlier_one_of_two_absolute_expirations_counts()
    {
        using CacheFixture fixture = Make(tiered: false);
        DateTimeOffset now = fixture.Clock.GetUtcNow();
        fixture.Cache.Set("a", s_value, new() { AbsoluteExpiration = now.AddSeconds(1), AbsoluteExpirationRelativeToNow = TimeSpan.FromSeconds(5) });
        fixture.Cache.Set("b", s_value, new() { AbsoluteExpiration = now.AddSeconds(5), AbsoluteExpirationRelativeToNow = TimeSpan.FromSeconds(1) });
        fixture.Advance(2);
        Assert.Null(fixture.Cache.Get("a"));
        Assert.Null(fixture.Cache.Get("b"));
    }

    [Fact]
    public void Entry_without_an_expiration_has_the_default_one_and_others_do_not()
    {
        using var fixture = new CacheFixture(configure: options => options.DefaultExpiration = TimeSpan.FromSeconds(10));
        fixture.Cache.Set("bare", s_value, new());
        fixture.Cache.Set("own", s_value, CacheFixture.After(20));
        fixture.Cache.Set("sliding", s_value, CacheFixture.Sliding(20));
        fixture.Advance(11);
        Assert.Null(fixture.Cache.Get("bare"));
        Assert.NotNull(fixture.Cache.Get("own"));
        Assert.NotNull(fixture.Cache.Get("sliding"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Time_further_away_than_time_goes_is_never(bool tiered)
    {
        using CacheFixture fixture = Make(tiered);
        fixture.Cache.Set("relative", s_value, new() { AbsoluteExpirationRelativeToNow = TimeSpan.MaxValue });
        fixture.Cache.Set("at", s_value, new() { AbsoluteExpiration = DateTimeOffset.MaxValue });
        fixture.Cache.Set("sliding", s_value, new() { SlidingExpiration = TimeSpan.MaxValue });
        fixture.Clock.Advance(TimeSpan.FromDays(10_000));
        Assert.NotNull(fixture.Cache.Get("relative"));
        Assert.NotNull(fixture.Cache.Get("at"));
        Assert.NotNull(fixture.Cache.Get("sliding"));
    }

    [Fact]
    public void Second_set_has_the_expiration_of_its_own()
    {
        using CacheFixture fixture = Make(tiered: false);
        fixture.Cache.Set("key", s_value, CacheFixture.After(1));
        fixture.Cache.Set("key", s_value, new());
        fixture.Advance(1000);
        Assert.NotNull(fixture.Cache.Get("key"));
    }

    private static CacheFixture Make(bool tiered)
    {
        CacheFixture? made = null;
        Tiers.FakeTier? tier = tiered ? new Tiers.FakeTier(() => made!.Clock.GetUtcNow()) : null;
        made = new CacheFixture(tier);
        return made;
    }
}
