using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.DependencyInjection;
using Xunit;
using ZiggyCreatures.Caching.Fusion;
using ZiggyCreatures.Caching.Fusion.Serialization.SystemTextJson;

namespace NativeMm.Extensions.Tests.Caching.Clients;

/// <summary>FusionCache on top of ours, by its real package, as its second level. Each host has a first level of its own.</summary>
public sealed class FusionCacheTests
{
    private static readonly FusionCacheEntryOptions s_noMemory = new FusionCacheEntryOptions(TimeSpan.FromMinutes(5)).SetSkipMemoryCache();

    [Fact]
    public async Task Value_that_one_host_made_another_finds()
    {
        using var fixture = new CacheFixture();
        await using ServiceProvider one = Host(fixture.Cache);
        await using ServiceProvider other = Host(fixture.Cache);
        Assert.Equal("made", await Cache(one).GetOrSetAsync<string>("key", async (_, _) => await Task.FromResult("made")));
        Assert.Equal("made", await Cache(other).GetOrSetAsync<string>("key", async (_, _) => await Task.FromResult("made again")));
        Assert.Equal("made", Cache(other).GetOrDefault<string>("key", options: s_noMemory));
    }

    [Fact]
    public async Task Removal_and_expiration_go_through()
    {
        using var fixture = new CacheFixture();
        await using ServiceProvider host = Host(fixture.Cache);
        await Cache(host).SetAsync("removed", 1, s_noMemory);
        await Cache(host).SetAsync("over", 1, s_noMemory);
        Assert.Equal(1, await Cache(host).GetOrDefaultAsync("removed", 0, s_noMemory));
        await Cache(host).RemoveAsync("removed", s_noMemory);
        Assert.Equal(0, await Cache(host).GetOrDefaultAsync("removed", 0, s_noMemory));
        Assert.Equal(1, await Cache(host).GetOrDefaultAsync("over", 0, s_noMemory));
        fixture.Clock.Advance(TimeSpan.FromMinutes(6));
        Assert.Equal(0, await Cache(host).GetOrDefaultAsync("over", 0, s_noMemory));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(20_000)]
    [InlineData(1_000_000)]
    public async Task Values_of_every_length_come_back(int length)
    {
        using var fixture = new CacheFixture();
        await using ServiceProvider one = Host(fixture.Cache);
        await using ServiceProvider other = Host(fixture.Cache);
        byte[] value = CacheFixture.Bytes(length);
        await Cache(one).SetAsync("key", value);
        Assert.Equal(value, await Cache(other).GetOrDefaultAsync<byte[]>("key"));
    }

    [Fact]
    public async Task Broken_second_tier_below_is_not_noticed()
    {
        var tier = new Tiers.FakeTier { Before = (_, _) => throw new InvalidOperationException("down") };
        using var fixture = new CacheFixture(tier);
        await using ServiceProvider host = Host(fixture.Cache);
        Assert.Equal("made", await Cache(host).GetOrSetAsync<string>("key", async (_, _) => await Task.FromResult("made"), s_noMemory));
        Assert.Equal("made", await Cache(host).GetOrSetAsync<string>("key", async (_, _) => await Task.FromResult("again"), s_noMemory));
    }

    private static IFusionCache Cache(ServiceProvider host) => host.GetRequiredService<IFusionCache>();

    private static ServiceProvider Host(IDistributedCache cache)
    {
        var services = new ServiceCollection();
        services.AddFusionCache().WithDistributedCache(cache).WithSerializer(new FusionCacheSystemTextJsonSerializer());
        return services.BuildServiceProvider();
    }
}
