using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace NativeMm.Extensions.Tests.Caching.Tiers;

/// <summary>Two tiers when both work.</summary>
public sealed class SecondTierTests
{
    private static readonly byte[] s_value = CacheFixture.Bytes(100);

    [Fact]
    public async Task What_is_set_is_in_both_and_what_is_removed_in_none()
    {
        var tier = new FakeTier();
        using var fixture = new CacheFixture(tier);
        await fixture.Cache.SetAsync("key", s_value, new());
        Assert.Equal(40 + s_value.Length, tier["key"]!.Length);
        Assert.Equal(s_value, await fixture.Cache.GetAsync("key"));
        Assert.Equal(0, tier.Reads);
        await fixture.Cache.RemoveAsync("key");
        Assert.Null(tier["key"]);
        Assert.Null(await fixture.Cache.GetAsync("key"));
        Assert.Equal(0, fixture.Statistics.Local.Count);
    }

    [Fact]
    public async Task Another_machine_reads_it_once_and_keeps_it()
    {
        var tier = new FakeTier();
        using var one = new CacheFixture(tier);
        using var other = new CacheFixture(tier);
        one.Cache.Set("key", s_value, CacheFixture.After(600));
        Assert.Equal(s_value, other.Cache.Get("key"));
        Assert.Equal(s_value, await other.Cache.GetAsync("key"));
        Assert.Equal(1, tier.Reads);
        Assert.Equal((1, 0), (other.Statistics.TierHits, other.Statistics.TierMisses));
        Assert.Null(other.Cache.Get("none"));
        Assert.Equal((1, 1, 0), (other.Statistics.TierHits, other.Statistics.TierMisses, other.Statistics.TierCorrupt));
    }

    [Fact]
    public void The_write_of_a_machine_whose_clock_is_behind_is_not_undone()
    {
        var tier = new FakeTier();
        var behind = new FakeTimeProvider(DateTimeOffset.UtcNow - TimeSpan.FromMinutes(1));
        using var ahead = new CacheFixture(tier, options => options.LocalExpiration = TimeSpan.FromSeconds(10));
        using var late = new CacheFixture(tier, clock: behind);
        ahead.Cache.Set("key", [1], new());
        late.Cache.Set("key", [2], new());
        ahead.Advance(11);

        Assert.Equal([2], ahead.Cache.Get("key"));
        Assert.Equal(0, ahead.Statistics.TierRepairs);
        Assert.Equal(2, tier["key"]![^1]);
    }

    [Fact]
    public async Task Writes_that_come_to_the_tier_in_the_wrong_order_are_put_right()
    {
        var tier = new FakeTier();
        using var fixture = new CacheFixture(tier, options => options.LocalExpiration = TimeSpan.FromSeconds(10));
        var first = new TaskCompletionSource();
        tier.Before = (_, _) => first.Task;
        Task early = fixture.Cache.SetAsync("key", [1], new());
        SpinWait.SpinUntil(() => tier.Writes == 1, CacheFixture.Timeout);
        tier.Before = null;
        await fixture.Cache.SetAsync("key", [2], new());
        first.SetResult();
        await early.WaitAsync(CacheFixture.Timeout);
        Assert.Equal(1, tier["key"]![^1]);
        fixture.Advance(11);

        Assert.Equal([2], fixture.Cache.Get("key"));
        SpinWait.SpinUntil(() => fixture.Statistics.TierRepairs == 1, CacheFixture.Timeout);
        Assert.Equal(2, tier["key"]![^1]);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_read_beside_a_write_finds_the_write_also_when_it_fails(bool fails)
    {
        var tier = new FakeTier();
        using var other = new CacheFixture(tier);
        using var fixture = new CacheFixture(tier, options => options.LocalExpiration = TimeSpan.Zero);
        other.Cache.Set("key", [1], new());
        var write = new TaskCompletionSource();
        tier.Before = (call, _) => call == "Set" ? write.Task : Task.CompletedTask;
        fixture.Advance(1);
        Task set = fixture.Cache.SetAsync("key", [2], new());
        SpinWait.SpinUntil(() => tier.Writes == 2, CacheFixture.Timeout);

        Assert.Equal([2], await fixture.Cache.GetAsync("key").WaitAsync(CacheFixture.Timeout));

        tier.Before = null;
        if (fails)
        {
            write.SetException(new IOException("of the test"));
        }
        else
        {
            write.SetResult();
        }

        await set.WaitAsync(CacheFixture.Timeout);
        Assert.Equal([2], await fixture.Cache.GetAsync("key").WaitAsync(CacheFixture.Timeout));
        SpinWait.SpinUntil(() => tier["key"]![^1] == 2 && fixture.Statistics.TierRepairs == (fails ? 1 : 0), CacheFixture.Timeout);
        Assert.Equal(2, tier["key"]![^1]);
        Assert.Equal(fails ? 1 : 0, fixture.Statistics.TierRepairs);
    }

    [Fact]
    public void Another_machines_write_is_seen_when_the_copy_is_no_longer_fresh()
    {
        var tier = new FakeTier();
        using var one = new CacheFixture(tier);
        using var other = new CacheFixture(tier, options => options.LocalExpiration = TimeSpan.FromSeconds(10));
        one.Cache.Set("key", [1], new());
        one.Cache.Set("gone", [1], new());
        Assert.Equal([1], other.Cache.Get("key"));
        Assert.Equal([1], other.Cache.Get("gone"));
        one.Advance(1);
        one.Cache.Set("key", [2], new());
        one.Cache.Remove("gone");
        other.Advance(9.9);
        Assert.Equal([1], other.Cache.Get("key"));
        other.Advance(0.2);
        Assert.Equal([2], other.Cache.Get("key"));
        Assert.Null(other.Cache.Get("gone"));
    }

    /// <summary>A machine that started with a clock years ahead, which was then put right.</summary>
    [Fact]
    public void Copy_from_before_the_clock_was_put_back_asks()
    {
        var tier = new FakeTier();
        using var fixture = new CacheFixture(tier, clock: new FakeTimeProvider(DateTimeOffset.UtcNow.AddYears(4)));
        fixture.Cache.Set("key", [1], new());
        Assert.Equal([1], fixture.Cache.Get("key"));
        Assert.Equal(0, tier.Reads);
        fixture.Clock.AdjustTime(DateTimeOffset.UtcNow);
        Assert.Equal([1], fixture.Cache.Get("key"));
        Assert.Equal(1, tier.Reads);
        Assert.Equal([1], fixture.Cache.Get("key"));
        Assert.Equal(1, tier.Reads);
    }

    [Fact]
    public void Without_a_local_time_every_read_asks()
    {
        var tier = new FakeTier();
        using var fixture = new CacheFixture(tier, options => options.LocalExpiration = TimeSpan.Zero);
        fixture.Cache.Set("key", s_value, new());
        Assert.Equal(s_value, fixture.Cache.Get("key"));
        Assert.Equal(s_value, fixture.Cache.Get("key"));
        Assert.Equal(2, tier.Reads);
    }

    /// <summary>A load that has told its answer is over: whoever asks behind it would get what was true before he asked.</summary>
    [Fact]
    public void Nobody_joins_a_load_that_has_ended()
    {
        const int Rounds = 5000;
        var tier = new FakeTier();
        using var fixture = new CacheFixture(tier, options => options.LocalExpiration = TimeSpan.Zero);
        fixture.Cache.Set("key", s_value, new());
        for (int i = 0; i < Rounds; i++)
        {
            Assert.Equal(s_value, fixture.Cache.Get("key"));
        }

        Assert.Equal(Rounds, tier.Reads);
    }

    [Fact]
    public void Expiration_travels_with_the_entry_and_is_exact_on_the_other_machine()
    {
        var tier = new FakeTier();
        using var one = new CacheFixture(tier);
        using var other = new CacheFixture(tier, clock: one.Clock);
        using var third = new CacheFixture(tier, clock: one.Clock);
        one.Cache.Set("key", s_value, CacheFixture.After(0.25));
        one.Advance(0.2);
        Assert.Equal(s_value, other.Cache.Get("key"));
        one.Advance(0.051);
        Assert.Null(other.Cache.Get("key"));
        Assert.Null(third.Cache.Get("key"));
        Assert.NotNull(tier["key"]);
    }

    /// <summary>Servers round: a sub-second entry of a whole-second server would be gone at once.</summary>
    [Fact]
    public void Tier_keeps_an_entry_longer_than_it_lives()
    {
        var tier = new FakeTier();
        using var fixture = new CacheFixture(tier);
        fixture.Cache.Set("after", s_value, CacheFixture.After(0.25));
        fixture.Cache.Set("sliding", s_value, CacheFixture.Sliding(8));
        Assert.InRange(tier.OptionsOf("after").AbsoluteExpirationRelativeToNow!.Value.TotalSeconds, 1.25, 1.252);
        Assert.Equal(8 + 1 + 1, tier.OptionsOf("sliding").SlidingExpiration!.Value.TotalSeconds);
        Assert.Null(tier.OptionsOf("sliding").AbsoluteExpirationRelativeToNow);
    }

    [Fact]
    public void What_is_too_long_for_this_process_lives_in_the_tier_alone()
    {
        var tier = new FakeTier();
        using var fixture = new CacheFixture(tier, options => options.MaxEntryBytes = 1000);
        byte[] value = CacheFixture.Bytes(5000);
        fixture.Cache.Set("key", new byte[10], new());
        fixture.Cache.Set("key", value, new());
        Assert.Equal(value, fixture.Cache.Get("key"));
        Assert.Equal(value, fixture.Cache.Get("key"));
        Assert.Equal((2, 0L), (tier.Reads, fixture.Statistics.Local.Count));
    }

    [Fact]
    public async Task A_hundred_readers_make_one_load()
    {
        var arrived = new TaskCompletionSource();
        var goOn = new TaskCompletionSource();
        var tier = new FakeTier();
        using var writer = new CacheFixture(tier);
        writer.Cache.Set("key", s_value, new());
        tier.Before = (_, _) =>
        {
            arrived.TrySetResult();
            return goOn.Task;
        };
        using var fixture = new CacheFixture(tier);
        Task<byte[]?>[] readers = [.. Enumerable.Range(0, 100).Select(_ => fixture.Cache.GetAsync("key"))];
        await arrived.Task.WaitAsync(CacheFixture.Timeout);
        using var impatient = new CancellationTokenSource();
        Task<byte[]?> cancelled = fixture.Cache.GetAsync("key", impatient.Token);
        impatient.Cancel();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cancelled.WaitAsync(CacheFixture.Timeout));
        goOn.SetResult();
        Assert.All(await Task.WhenAll(readers).WaitAsync(CacheFixture.Timeout), value => Assert.Equal(s_value, value));
        Assert.Equal(1, tier.Reads);
        Assert.Equal(100, fixture.Statistics.TierSharedLoads);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Write_beside_a_load_is_not_lost(bool removes)
    {
        var arrived = new TaskCompletionSource();
        var goOn = new TaskCompletionSource();
        var tier = new FakeTier();
        using var writer = new CacheFixture(tier);
        writer.Cache.Set("key", [1], new());
        byte[] old = tier["key"]!;
        using var fixture = new CacheFixture(tier);
        tier.Before = (member, _) => member == "Get" && arrived.TrySetResult() ? goOn.Task : Task.CompletedTask;
        Task<byte[]?> reader = fixture.Cache.GetAsync("key");
        await arrived.Task.WaitAsync(CacheFixture.Timeout);
        if (removes)
        {
            await fixture.Cache.RemoveAsync("key");
        }
        else
        {
            await fixture.Cache.SetAsync("key", [2], new());
        }

        // The load brings what was there before.
        tier["key"] = old;
        goOn.SetResult();
        await reader.WaitAsync(CacheFixture.Timeout);
        Assert.Equal(removes ? null : [2], removes ? tier["key"] is null ? [1] : null : fixture.Cache.Get("key"));
        Assert.Equal(removes ? 0 : 1, fixture.Statistics.Local.Count);
    }

    [Fact]
    public async Task Later_write_wins_when_the_tier_has_an_older_one()
    {
        var tier = new FakeTier();
        using var fixture = new CacheFixture(tier, options => options.LocalExpiration = TimeSpan.FromSeconds(1));
        await fixture.Cache.SetAsync("key", [1], new());
        byte[] old = tier["key"]!;
        await fixture.Cache.SetAsync("key", [2], new());

        // Two writes overtook each other on their way.
        tier["key"] = old;
        fixture.Advance(2);
        Assert.Equal([2], await fixture.Cache.GetAsync("key"));
        using var other = new CacheFixture(tier);
        await Until(() => tier["key"] != old);
        Assert.Equal([2], await other.Cache.GetAsync("key"));
        Assert.Equal(1, fixture.Statistics.TierRepairs);
    }

    internal static async Task Until(Func<bool> condition)
    {
        using var limit = new CancellationTokenSource(CacheFixture.Timeout);
        while (!condition())
        {
            limit.Token.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }
}
