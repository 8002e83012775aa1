using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace NativeMm.Extensions.Tests.Caching.Tiers;

/// <summary>What the tier did not do, or did in another order, brings nothing older back, also where this process has nothing of the key any more.</summary>
public sealed class MissedWriteTests
{
    /// <summary>
    /// The last write of a key is not here any more when the tier is back: it was too long for this process, is over, lay unused for too long, or had to go. What the
    /// tier still has is older, and must not come back.
    /// </summary>
    [Theory]
    [InlineData("too long", true)]
    [InlineData("too long", false)]
    [InlineData("over", true)]
    [InlineData("over", false)]
    [InlineData("unused", true)]
    [InlineData("unused", false)]
    [InlineData("evicted", true)]
    [InlineData("evicted", false)]
    public async Task What_the_tier_missed_and_is_gone_here_leaves_nothing_older_there(string why, bool isCircuitOpen)
    {
        var tier = new FakeTier();
        using var fixture = new CacheFixture(tier, options => (options.MaxEntryBytes, options.CircuitFailures) = (100_000, isCircuitOpen ? 1 : 100));
        foreach (string key in (string[])["key", "another"])
        {
            await fixture.Cache.SetAsync(key, [1], new());
        }

        tier.Before = (_, _) => throw new InvalidOperationException("down");
        if (isCircuitOpen)
        {
            await fixture.Cache.RemoveAsync("another");
            Assert.Equal(TierCircuitState.Open, fixture.Statistics.TierCircuit);
        }

        await fixture.Cache.SetAsync("key", new byte[why == "too long" ? 200_000 : 10], why switch
        {
            "over" => CacheFixture.After(1),
            "unused" => CacheFixture.Sliding(1),
            _ => new(),
        });
        if (why == "evicted")
        {
            fixture.Cache.Trim(1);
        }

        fixture.Advance(2);
        Assert.Null(await fixture.Cache.GetAsync("key"));
        tier.Before = null;
        fixture.Advance(5);
        Assert.Null(await fixture.Cache.GetAsync("key"));
        await SecondTierTests.Until(() => tier["key"] is null);
        Assert.Null(await fixture.Cache.GetAsync("key"));

        // And it is over with that: another machine's entry is seen, and so is the next one of this.
        using var other = new CacheFixture(tier, clock: fixture.Clock);
        await other.Cache.SetAsync("key", [3], new());
        await SecondTierTests.Until(() => fixture.Cache.Get("key") is [3]);
        await fixture.Cache.SetAsync("key", [4], new());
        Assert.Equal([4], BrokenTierTests.ValueOf(tier, "key"));
    }

    /// <summary>The tier does the later of two writes first, and the earlier one afterwards; meanwhile this process has nothing of the key any more.</summary>
    [Theory]
    [InlineData("repair", "Set")]
    [InlineData("repair", "Remove")]
    [InlineData("write", "Set")]
    [InlineData("write", "Remove")]
    public async Task Earlier_write_that_the_tier_does_last_does_not_come_back(string earlier, string later)
    {
        var tier = new FakeTier();
        using var fixture = new CacheFixture(tier);
        var held = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        if (earlier == "repair")
        {
            tier.Before = static (_, _) => throw new InvalidOperationException("down");
            await fixture.Cache.SetAsync("key", [2], new());
        }

        int sets = 0;
        tier.Before = (member, _) =>
        {
            if (member != "Set" || Interlocked.Increment(ref sets) != 1)
            {
                return Task.CompletedTask;
            }

            held.SetResult();
            return release.Task;
        };
        Task first = earlier == "repair" ? fixture.Cache.GetAsync("key") : fixture.Cache.SetAsync("key", [2], new());
        await held.Task.WaitAsync(CacheFixture.Timeout);
        await (later == "Set" ? fixture.Cache.SetAsync("key", [3], new()) : fixture.Cache.RemoveAsync("key")).WaitAsync(CacheFixture.Timeout);
        fixture.Cache.Trim(1);
        release.SetResult();
        await first.WaitAsync(CacheFixture.Timeout);
        await SecondTierTests.Until(() => tier["key"] is not null && BrokenTierTests.ValueOf(tier, "key") is [2]);
        await SecondTierTests.Until(() =>
        {
            Assert.Null(fixture.Cache.Get("key"));
            return tier["key"] is null;
        });
    }

    [Fact]
    public async Task Write_that_is_over_before_it_is_made_takes_what_the_tier_has()
    {
        var tier = new FakeTier();
        var clock = new FakeTimeProvider(DateTimeOffset.UtcNow);
        var second = new SecondTier(tier, new NativeDistributedCacheOptions(), clock);
        tier["key"] = [1];
        Assert.Equal(TierReply.Done, await second.WriteAsync("key", [2], new EntryLifetime(clock.GetUtcNow().ToUnixTimeMilliseconds(), 0), TimeSpan.Zero));
        Assert.Null(tier["key"]);
    }
}
