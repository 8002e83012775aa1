using NativeMm.Primitives;
using Xunit;

namespace NativeMm.Extensions.Tests.Caching.Tiers;

/// <summary>A tier that is down, slow or gives nonsense stays invisible but for counters; and what it missed it gets.</summary>
public sealed class BrokenTierTests
{
    private static readonly byte[] s_value = CacheFixture.Bytes(100);

    [Theory]
    [InlineData("throws at once")]
    [InlineData("throws later")]
    [InlineData("is cancelled")]
    public async Task Tier_that_is_down_is_not_noticed(string how)
    {
        var tier = new FakeTier
        {
            Before = (_, _) => how switch
            {
                "throws at once" => throw new InvalidOperationException("down"),
                "throws later" => Task.Run(() => throw new InvalidOperationException("down"), CancellationToken.None),
                _ => Task.FromCanceled(new CancellationToken(canceled: true)),
            },
        };
        using var fixture = new CacheFixture(tier);
        await fixture.Cache.SetAsync("key", s_value, new());
        Assert.Equal(s_value, await fixture.Cache.GetAsync("key"));
        Assert.Null(await fixture.Cache.GetAsync("none"));
        Assert.Null(fixture.Cache.Get("none"));
        await fixture.Cache.RefreshAsync("key");
        await fixture.Cache.RemoveAsync("key");
        Assert.Null(await fixture.Cache.GetAsync("key"));
        NativeDistributedCacheStatistics statistics = fixture.Statistics;
        Assert.Equal((TierCircuitState.Open, 5L, 0L), (statistics.TierCircuit, statistics.TierErrors, statistics.TierTimeouts));
        Assert.True(statistics.TierRejected > 0);
        Assert.Equal(5, tier.Calls);
        if (how != "is cancelled")
        {
            Assert.Contains("down", statistics.TierLastFailure, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Tier_that_hangs_costs_the_timeout_and_then_nothing(bool blocksItsThread)
    {
        using var goOn = new ManualResetEventSlim();
        using var arrived = new SemaphoreSlim(0);
        var forever = new TaskCompletionSource();
        var tier = new FakeTier
        {
            Before = (_, _) =>
            {
                arrived.Release();
                if (blocksItsThread)
                {
                    goOn.Wait(CacheFixture.Timeout, CancellationToken.None);
                }

                return forever.Task;
            },
        };
        using var fixture = new CacheFixture(tier, options => options.CircuitFailures = 2);
        for (int i = 0; i < 2; i++)
        {
            Task<byte[]?> read = fixture.Cache.GetAsync("none");
            await arrived.WaitAsync(CacheFixture.Timeout);
            Assert.False(read.IsCompleted);
            fixture.Clock.Advance(TimeSpan.FromMilliseconds(500));
            Assert.Null(await read.WaitAsync(CacheFixture.Timeout));
        }

        Assert.Equal((2L, TierCircuitState.Open), (fixture.Statistics.TierTimeouts, fixture.Statistics.TierCircuit));
        Assert.True(fixture.Cache.GetAsync("none").IsCompletedSuccessfully);
        Assert.True(fixture.Cache.SetAsync("key", s_value, new()).IsCompletedSuccessfully);
        goOn.Set();
        forever.SetResult();
    }

    /// <summary>A call that the timeout gave up may end whenever it likes.</summary>
    [Fact]
    public async Task Answer_that_comes_too_late_changes_nothing()
    {
        var tier = new FakeTier();
        using var writer = new CacheFixture(tier);
        writer.Cache.Set("key", [1], new());
        var arrived = new TaskCompletionSource();
        var late = new TaskCompletionSource();
        tier.Before = (member, _) => member == "Get" && arrived.TrySetResult() ? late.Task : Task.CompletedTask;
        using var fixture = new CacheFixture(tier);
        Task<byte[]?> read = fixture.Cache.GetAsync("key");
        await arrived.Task.WaitAsync(CacheFixture.Timeout);
        fixture.Clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Null(await read.WaitAsync(CacheFixture.Timeout));
        await fixture.Cache.SetAsync("key", [2], new());
        late.SetResult();
        Assert.Equal([2], await fixture.Cache.GetAsync("key"));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(5)]
    [InlineData(39)]
    [InlineData(139)]
    public async Task Damaged_entry_is_a_miss_and_a_write_heals_it(int at)
    {
        var tier = new FakeTier();
        using var writer = new CacheFixture(tier);
        writer.Cache.Set("key", s_value, new());
        tier["key"]![at] ^= 0x10;
        using var fixture = new CacheFixture(tier);
        for (int i = 0; i < 10; i++)
        {
            Assert.Null(await fixture.Cache.GetAsync("key"));
        }

        // A read that comes before the end of the last one's load is through may share that.
        NativeDistributedCacheStatistics statistics = fixture.Statistics;
        Assert.Equal((10L, statistics.TierCorrupt, TierCircuitState.Closed), (statistics.TierCorrupt + statistics.TierSharedLoads, statistics.TierMisses, statistics.TierCircuit));
        Assert.NotEqual(0, statistics.TierCorrupt);
        await fixture.Cache.SetAsync("key", s_value, new());
        using var other = new CacheFixture(tier);
        Assert.Equal(s_value, await other.Cache.GetAsync("key"));
    }

    [Fact]
    public void Foreign_and_empty_entries_are_misses()
    {
        var tier = new FakeTier();
        tier["foreign"] = CacheFixture.Bytes(1000);
        tier["empty"] = [];
        using var fixture = new CacheFixture(tier);
        Assert.Null(fixture.Cache.Get("foreign"));
        Assert.Null(fixture.Cache.Get("empty"));
        Assert.Equal(2, fixture.Statistics.TierCorrupt);
    }

    [Fact]
    public async Task Copies_answer_while_the_tier_is_down_for_as_long_as_they_live()
    {
        var tier = new FakeTier();
        using var fixture = new CacheFixture(tier, options => options.LocalExpiration = TimeSpan.FromSeconds(1));
        await fixture.Cache.SetAsync("key", s_value, CacheFixture.After(3600));
        tier.Before = (_, _) => throw new InvalidOperationException("down");
        for (int i = 0; i < 30; i++)
        {
            fixture.Advance(60);
            Assert.Equal(s_value, await fixture.Cache.GetAsync("key"));
        }

        fixture.Advance(3600);
        Assert.Null(await fixture.Cache.GetAsync("key"));
    }

    /// <summary>Set and removed while nobody was there: nothing old comes back, and the tier gets both without being asked for.</summary>
    [Fact]
    public async Task Tier_that_comes_back_gets_what_it_missed()
    {
        var tier = new FakeTier();
        using var fixture = new CacheFixture(tier, options => options.CircuitFailures = 1);
        foreach (string key in (string[])["changed", "removed", "other"])
        {
            await fixture.Cache.SetAsync(key, [1], new());
        }

        tier.Before = (_, _) => throw new InvalidOperationException("down");
        await fixture.Cache.SetAsync("changed", [2], new());
        await fixture.Cache.RemoveAsync("removed");
        await fixture.Cache.SetAsync("new", [3], new());
        Assert.Equal(1, tier.Calls - 3);
        Assert.Equal([2], await fixture.Cache.GetAsync("changed"));
        Assert.Null(await fixture.Cache.GetAsync("removed"));
        Assert.Equal([1], ValueOf(tier, "changed"));

        tier.Before = null;
        fixture.Advance(5);
        Assert.Null(await fixture.Cache.GetAsync("something else"));
        Assert.Equal(TierCircuitState.Closed, fixture.Statistics.TierCircuit);
        await SecondTierTests.Until(() => fixture.Statistics.TierRepairs == 3);
        Assert.Equal([2], ValueOf(tier, "changed"));
        Assert.Equal([3], ValueOf(tier, "new"));
        Assert.Null(tier["removed"]);
        Assert.Equal([2], await fixture.Cache.GetAsync("changed"));
        Assert.Null(await fixture.Cache.GetAsync("removed"));
        Assert.Equal([1], await fixture.Cache.GetAsync("other"));
    }

    /// <summary>One call in between fails, which opens no circuit, and nobody reads the key again.</summary>
    [Theory]
    [InlineData("Set")]
    [InlineData("Remove")]
    public async Task Tier_that_missed_a_single_call_gets_it_without_being_asked_for_the_key(string member)
    {
        var tier = new FakeTier();
        using var fixture = new CacheFixture(tier);
        await fixture.Cache.SetAsync("key", [1], new());
        int failures = 1;
        tier.Before = (called, _) => called == member && failures-- > 0 ? throw new InvalidOperationException("down") : Task.CompletedTask;
        await (member == "Set" ? fixture.Cache.SetAsync("key", [2], new()) : fixture.Cache.RemoveAsync("key"));
        Assert.Equal([1], ValueOf(tier, "key"));
        Assert.Equal(TierCircuitState.Closed, fixture.Statistics.TierCircuit);

        fixture.Advance(5);
        Assert.Null(await fixture.Cache.GetAsync("something else"));
        await SecondTierTests.Until(() => fixture.Statistics.TierRepairs == 1);
        Assert.Equal(member == "Set" ? [2] : null, tier["key"] is null ? null : ValueOf(tier, "key"));
    }

    /// <summary>Its reads are answered, so its circuit stays closed: it must not be asked for each missed write again and again.</summary>
    [Fact]
    public async Task Tier_that_takes_no_writes_is_asked_for_a_few_now_and_then()
    {
        var tier = new FakeTier { Before = static (member, _) => member == "Set" ? throw new InvalidOperationException("read only") : Task.CompletedTask };
        using var fixture = new CacheFixture(tier);
        for (int i = 0; i < 200; i++)
        {
            await fixture.Cache.SetAsync($"{i}", [1], new());
            Assert.Null(await fixture.Cache.GetAsync("none"));
        }

        int writes = tier.Writes;
        for (int round = 1; round <= 3; round++)
        {
            fixture.Advance(5);
            for (int i = 0; i < 20; i++)
            {
                Assert.Null(await fixture.Cache.GetAsync("none"));
                await Task.Delay(1);
            }
        }

        Assert.InRange(tier.Writes - writes, 3, 3 * 10);
        tier.Before = null;
        for (int round = 0; round < 500 && fixture.Statistics.TierRepairs != 200; round++)
        {
            fixture.Advance(5);
            for (int i = 0; i < 10; i++)
            {
                Assert.Null(await fixture.Cache.GetAsync("none"));
                await Task.Delay(1);
            }
        }

        Assert.Equal(200, fixture.Statistics.TierRepairs);
    }

    [Fact]
    public async Task Another_machines_later_write_wins_over_the_one_that_the_tier_missed()
    {
        var tier = new FakeTier();
        using var one = new CacheFixture(tier, options => options.CircuitFailures = 1);
        using var other = new CacheFixture(tier, clock: one.Clock);
        tier.Before = (_, _) => throw new InvalidOperationException("down");
        await one.Cache.SetAsync("key", [1], new());
        tier.Before = null;
        one.Advance(1);
        await other.Cache.SetAsync("key", [2], new());
        one.Advance(10);
        Assert.Equal([2], await one.Cache.GetAsync("key"));
        Assert.Equal([2], ValueOf(tier, "key"));
    }

    [Fact]
    public async Task Removal_of_a_slow_tier_is_not_undone_by_a_read_beside_it()
    {
        var tier = new FakeTier();
        using var fixture = new CacheFixture(tier);
        await fixture.Cache.SetAsync("key", [1], new());
        var arrived = new TaskCompletionSource();
        var goOn = new TaskCompletionSource();
        tier.Before = (member, _) => member == "Remove" && arrived.TrySetResult() ? goOn.Task : Task.CompletedTask;
        Task removal = fixture.Cache.RemoveAsync("key");
        await arrived.Task.WaitAsync(CacheFixture.Timeout);
        Assert.Null(await fixture.Cache.GetAsync("key"));
        goOn.SetResult();
        await removal.WaitAsync(CacheFixture.Timeout);
        Assert.Null(await fixture.Cache.GetAsync("key"));
        Assert.Equal(0, fixture.Statistics.Local.Count);
    }

    [Fact]
    public async Task Cache_that_ends_beside_a_load_harms_nobody()
    {
        var arrived = new TaskCompletionSource();
        var goOn = new TaskCompletionSource();
        var tier = new FakeTier();
        using var writer = new CacheFixture(tier);
        writer.Cache.Set("key", [1], new());
        tier.Before = (_, _) =>
        {
            arrived.TrySetResult();
            return goOn.Task;
        };
        Task<byte[]?> read;
        using (var fixture = new CacheFixture(tier))
        {
            read = fixture.Cache.GetAsync("key");
            await arrived.Task.WaitAsync(CacheFixture.Timeout);
        }

        goOn.SetResult();
        Assert.Null(await read.WaitAsync(CacheFixture.Timeout));
    }

    /// <summary>A host that stops does not wait for a write that waits for its tier.</summary>
    [Theory]
    [InlineData("Set", false)]
    [InlineData("Set", true)]
    [InlineData("Remove", false)]
    [InlineData("Remove", true)]
    [InlineData("Get", false)]
    [InlineData("Get", true)]
    public async Task Call_that_is_under_way_when_the_cache_ends_does_not_fail(string member, bool tierFails)
    {
        var arrived = new TaskCompletionSource();
        var goOn = new TaskCompletionSource();
        var tier = new FakeTier();
        Task call;
        using (var fixture = new CacheFixture(tier, options => options.LocalExpiration = TimeSpan.Zero))
        {
            fixture.Cache.Set("key", s_value, new());
            tier.Before = (_, _) =>
            {
                arrived.TrySetResult();
                return goOn.Task;
            };
            call = member switch
            {
                "Set" => fixture.Cache.SetAsync("key", [1], new()),
                "Remove" => fixture.Cache.RemoveAsync("key"),
                _ => fixture.Cache.GetAsync("key"),
            };
            await arrived.Task.WaitAsync(CacheFixture.Timeout);
        }

        if (tierFails)
        {
            goOn.SetException(new InvalidOperationException("down"));
        }
        else
        {
            goOn.SetResult();
        }

        await call.WaitAsync(CacheFixture.Timeout);
    }

    /// <summary>Each try of the circuit would leave one more thread behind.</summary>
    [Fact]
    public async Task Tier_that_blocks_for_ever_holds_a_bounded_number_of_threads()
    {
        using var goOn = new ManualResetEventSlim();
        using var arrived = new SemaphoreSlim(0);
        var tier = new FakeTier
        {
            Before = (_, _) =>
            {
                arrived.Release();
                goOn.Wait(CacheFixture.Timeout, CancellationToken.None);
                return Task.CompletedTask;
            },
        };
        using var fixture = new CacheFixture(tier, options => options.CircuitFailures = 1);
        for (int i = 0; i < BlockedCalls.Max; i++)
        {
            Task<byte[]?> read = fixture.Cache.GetAsync("none");
            await arrived.WaitAsync(CacheFixture.Timeout);
            fixture.Advance(0.5);
            Assert.Null(await read.WaitAsync(CacheFixture.Timeout));
            fixture.Advance(5);
        }

        for (int i = 0; i < 10; i++)
        {
            Assert.True(fixture.Cache.GetAsync("none").IsCompletedSuccessfully);
            Assert.True(fixture.Cache.SetAsync("key", s_value, new()).IsCompletedSuccessfully);
            fixture.Advance(5);
        }

        Assert.Equal(BlockedCalls.Max, tier.Calls);
        goOn.Set();
        await SecondTierTests.Until(() =>
        {
            _ = fixture.Cache.GetAsync("none");
            return fixture.Statistics.TierCircuit == TierCircuitState.Closed;
        });
    }

    [Fact]
    public void Entries_that_the_tier_gives_for_another_key_are_misses()
    {
        var tier = new FakeTier();
        using (var writer = new CacheFixture(tier))
        {
            writer.Cache.Set("mine", [1], new());
            writer.Cache.Set("yours", [2], new());
        }

        (tier["mine"], tier["yours"]) = (tier["yours"], tier["mine"]);
        using var fixture = new CacheFixture(tier);
        Assert.Null(fixture.Cache.Get("mine"));
        Assert.Null(fixture.Cache.Get("yours"));
        Assert.Equal(2L, fixture.Statistics.TierCorrupt);
    }

    internal static byte[] ValueOf(FakeTier tier, string key)
    {
        Assert.True(TierRecord.TryRead(System.Text.Encoding.UTF8.GetBytes(key), tier[key]!, out TierRecord record));
        return record.Value.ToArray();
    }
}
