using System.Diagnostics;
using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.Caching.StackExchangeRedis;
using Microsoft.Extensions.DependencyInjection;
using StackExchange.Redis;
using Xunit;

namespace NativeMm.Extensions.Tests.Caching.Redis;

/// <summary>A real server and the framework's client of it as the second tier.</summary>
public sealed class RedisTierTests
{
    [RedisFact]
    public Task Two_machines_share_values_of_every_length() => ShareAsync(isGarnet: false);

    [GarnetFact]
    public Task Two_machines_share_values_of_every_length_by_a_Garnet() => ShareAsync(isGarnet: true);

    /// <summary>This client counts in whole seconds: an entry of a quarter would be gone at once without what is added.</summary>
    [RedisFact]
    public async Task Entry_of_a_quarter_of_a_second_reaches_the_other_machine_and_ends_in_time()
    {
        await using RedisServer server = await RedisServer.StartAsync();
        using RedisCache tier = server.MakeCache();
        using var one = new CacheFixture(tier, Patient);
        using var other = new CacheFixture(tier, Patient, one.Clock);
        using var third = new CacheFixture(tier, Patient, one.Clock);
        await one.Cache.SetAsync("key", [1], CacheFixture.After(0.25));
        using ConnectionMultiplexer connection = await server.ConnectAsync();
        TimeSpan? left = await connection.GetDatabase().KeyTimeToLiveAsync("key");
        Assert.InRange(left!.Value.TotalSeconds, 0.01, 2.1);
        one.Advance(0.2);
        Assert.Equal([1], await other.Cache.GetAsync("key"));
        one.Advance(0.1);
        Assert.Null(await third.Cache.GetAsync("key"));
    }

    [RedisFact]
    public Task Server_that_dies_is_not_noticed_and_gets_what_it_missed_when_it_is_back() => DieAsync(isGarnet: false);

    [GarnetFact]
    public Task Garnet_that_dies_is_not_noticed_and_gets_what_it_missed_when_it_is_back() => DieAsync(isGarnet: true);

    [RedisFact]
    public Task Damaged_and_foreign_entries_are_misses() => DamageAsync(isGarnet: false);

    [GarnetFact]
    public Task Damaged_and_foreign_entries_of_a_Garnet_are_misses() => DamageAsync(isGarnet: true);

    /// <summary>The server stands still and keeps its connections: nothing fails, and nothing answers.</summary>
    [RedisFact]
    public async Task Server_that_stands_still_costs_the_timeout_and_then_nothing()
    {
        await using RedisServer server = await RedisServer.StartAsync();
        using RedisCache tier = server.MakeCache();
        using var fixture = new CacheFixture(tier, options => options.CircuitFailures = 1);
        using (ConnectionMultiplexer connection = await server.ConnectAsync())
        {
            await connection.GetDatabase().ExecuteAsync("CLIENT", "PAUSE", "60000", "ALL");
        }

        Task<byte[]?> read = fixture.Cache.GetAsync("none");
        await Until(() => read.IsCompleted, fixture);
        Assert.Null(await read);
        Assert.Equal(1, fixture.Statistics.TierTimeouts + fixture.Statistics.TierErrors);
        Assert.True(fixture.Cache.GetAsync("none").IsCompletedSuccessfully);
    }

    /// <summary>Two lines of a service: its Redis, and this cache before it.</summary>
    [RedisFact]
    public async Task Service_with_a_redis_keeps_its_code()
    {
        await using RedisServer server = await RedisServer.StartAsync();
        byte[] value = CacheFixture.Bytes(5000);
        for (int machine = 0; machine < 2; machine++)
        {
            var services = new ServiceCollection();
            services.AddStackExchangeRedisCache(options => options.ConfigurationOptions = server.Configuration());
            services.AddNativeMmDistributedCache(options => options.SecondTierTimeout = TimeSpan.FromMinutes(1)).WithRegisteredSecondTier();
            services.AddNativeMm(options => options.CapacityBytes = 512 << 20);
            await using ServiceProvider provider = services.BuildServiceProvider();
            IDistributedCache cache = provider.GetRequiredService<IDistributedCache>();
            Assert.IsType<NativeDistributedCache>(cache);
            if (machine == 0)
            {
                await cache.SetAsync("key", value, new());
            }

            Assert.Equal(value, await cache.GetAsync("key"));
        }
    }

    private static async Task ShareAsync(bool isGarnet)
    {
        await using RedisServer server = await RedisServer.StartAsync(isGarnet);
        using RedisCache oneTier = server.MakeCache();
        using RedisCache otherTier = server.MakeCache();
        using var one = new CacheFixture(oneTier, Patient);
        using var other = new CacheFixture(otherTier, Patient);
        foreach (int length in (int[])[0, 1, 4096, 1_000_000])
        {
            byte[] value = CacheFixture.Bytes(length);
            await one.Cache.SetAsync($"key {length}", value, CacheFixture.After(600));
            Assert.Equal(value, await other.Cache.GetAsync($"key {length}"));
        }

        await one.Cache.RemoveAsync("key 1");
        using var third = new CacheFixture(otherTier, Patient);
        Assert.Null(await third.Cache.GetAsync("key 1"));
        Assert.Equal((4L, 0L), (other.Statistics.TierHits, other.Statistics.TierErrors));
        Assert.Equal((1L, 0L), (third.Statistics.TierMisses, third.Statistics.TierCorrupt));
    }

    private static async Task DieAsync(bool isGarnet)
    {
        await using RedisServer server = await RedisServer.StartAsync(isGarnet);
        using RedisCache tier = server.MakeCache();
        using var fixture = new CacheFixture(tier, options =>
        {
            options.CircuitFailures = 1;
            options.SecondTierTimeout = TimeSpan.FromSeconds(30);
        });
        await fixture.Cache.SetAsync("before", [1], new());
        await server.KillAsync();
        Task written = fixture.Cache.SetAsync("while", [2], new());
        await Until(() => written.IsCompleted, fixture);
        Assert.Equal(TierCircuitState.Open, fixture.Statistics.TierCircuit);
        Assert.Equal([1], await fixture.Cache.GetAsync("before"));
        Assert.Equal([2], await fixture.Cache.GetAsync("while"));
        Assert.Null(await fixture.Cache.GetAsync("none"));

        await server.BeginAsync();
        await Until(
            () =>
            {
                // The client of the server may have kept the write that timed out, and made it now: then the look for what was missed finds it there.
                _ = fixture.Cache.GetAsync("none");
                return fixture.Statistics is { TierRepairs: > 0 } or { TierHits: > 0 };
            },
            fixture);
        using RedisCache otherTier = server.MakeCache();
        using var other = new CacheFixture(otherTier, Patient);
        Assert.Equal([2], await other.Cache.GetAsync("while"));
    }

    private static async Task DamageAsync(bool isGarnet)
    {
        await using RedisServer server = await RedisServer.StartAsync(isGarnet);
        using RedisCache tier = server.MakeCache();
        using var one = new CacheFixture(tier, Patient);
        await one.Cache.SetAsync("damaged", CacheFixture.Bytes(1000), new());
        using ConnectionMultiplexer connection = await server.ConnectAsync();
        IDatabase database = connection.GetDatabase();
        byte[] data = (byte[])(await database.HashGetAsync("damaged", "data"))!;
        data[500] ^= 1;
        await database.HashSetAsync("damaged", "data", data);
        await database.StringSetAsync("another type", "text");
        await tier.SetAsync("foreign", [1, 2, 3]);

        using var fixture = new CacheFixture(tier, Patient);
        Assert.Null(await fixture.Cache.GetAsync("damaged"));
        Assert.Null(await fixture.Cache.GetAsync("foreign"));
        Assert.Null(await fixture.Cache.GetAsync("another type"));
        Assert.Equal((2L, 1L), (fixture.Statistics.TierCorrupt, fixture.Statistics.TierErrors));
        await fixture.Cache.SetAsync("damaged", [7], new());
        using var other = new CacheFixture(tier, Patient);
        Assert.Equal([7], await other.Cache.GetAsync("damaged"));
    }

    // The machine may be busy; what is measured here is not time.
    private static void Patient(NativeDistributedCacheOptions options) => options.SecondTierTimeout = TimeSpan.FromMinutes(1);

    /// <summary>Lets the time of the cache pass, faster than the real one, until something is so.</summary>
    private static async Task Until(Func<bool> condition, CacheFixture fixture)
    {
        var waited = Stopwatch.StartNew();
        while (!condition())
        {
            Assert.True(waited.Elapsed < CacheFixture.Timeout, $"waited in vain; {fixture.Statistics}");
            fixture.Advance(1);
            await Task.Delay(10);
        }
    }
}
