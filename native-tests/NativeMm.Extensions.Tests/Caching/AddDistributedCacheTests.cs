using System.Diagnostics.Metrics;
using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.Metrics.Testing;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using NativeMm.Extensions.Tests.Caching.Tiers;
using Xunit;

namespace NativeMm.Extensions.Tests.Caching;

/// <summary>The cache in a container.</summary>
public sealed class AddDistributedCacheTests
{
    [Fact]
    public async Task Cache_is_the_services_one_whoever_asks_and_ends_with_it()
    {
        IDistributedCache cache;
        await using (ServiceProvider provider = Services().BuildServiceProvider())
        {
            cache = provider.GetRequiredService<IDistributedCache>();
            Assert.Same(cache, provider.GetRequiredService<NativeDistributedCache>());
            Assert.IsAssignableFrom<IBufferDistributedCache>(cache);
            cache.Set("key", [1], new());
        }

        Assert.Throws<ObjectDisposedException>(() => cache.Get("key"));
    }

    [Fact]
    public async Task Second_call_only_adds_to_the_options()
    {
        ServiceCollection services = Services(options => options.Name = "first");
        services.AddNativeMmDistributedCache(options => options.Name += " and second");
        await using ServiceProvider provider = services.BuildServiceProvider();
        Assert.Equal("first and second", provider.GetRequiredService<IOptions<NativeMmOptions>>().Value.DistributedCache.Name);
        Assert.Single(services, service => service.ServiceType == typeof(IDistributedCache));
    }

    /// <summary>Two parts of a program that each ask for the same.</summary>
    [Fact]
    public async Task Second_call_for_the_registered_tier_changes_nothing()
    {
        var tier = new FakeTier();
        var services = new ServiceCollection();
        services.AddSingleton<IDistributedCache>(tier);
        services.AddNativeMmDistributedCache().WithRegisteredSecondTier();
        services.AddNativeMmDistributedCache().WithRegisteredSecondTier();
        await using ServiceProvider provider = services.BuildServiceProvider();
        await provider.GetRequiredService<IDistributedCache>().SetAsync("key", [1], new());
        Assert.Equal(1, tier.Writes);
    }

    [Fact]
    public async Task Configuration_sets_the_options()
    {
        using IHost host = Build(
            ("SizeLimit", "8MiB"), ("MaxEntryBytes", "1MiB"), ("Name", "orders"), ("DefaultExpiration", "1h"), ("LocalExpiration", "0s"),
            ("SecondTierTimeout", "50ms"), ("CircuitFailures", "7"), ("CircuitDuration", "1m"));
        NativeDistributedCacheOptions options = host.Services.GetRequiredService<IOptions<NativeMmOptions>>().Value.DistributedCache;
        Assert.Equal((8L << 20, 1L << 20, "orders"), (options.SizeLimit, options.MaxEntryBytes, options.Name));
        Assert.Equal((TimeSpan.FromHours(1), TimeSpan.Zero), (options.DefaultExpiration, options.LocalExpiration));
        Assert.Equal((TimeSpan.FromMilliseconds(50), 7, TimeSpan.FromMinutes(1)), (options.SecondTierTimeout, options.CircuitFailures, options.CircuitDuration));
        Assert.Equal(8L << 20, host.Services.GetRequiredService<NativeDistributedCache>().GetStatistics().Local.SizeLimit);
        await host.StartAsync().WaitAsync(CacheFixture.Timeout);
        await host.StopAsync().WaitAsync(CacheFixture.Timeout);
    }

    [Theory]
    [InlineData("SizeLimit", "1000", "NativeMm:DistributedCache:SizeLimit is '1000'; it must be 1 MiB to 8 TiB.")]
    [InlineData("SecondTierTimeout", "2m", "NativeMm:DistributedCache:SecondTierTimeout is '00:02:00'; it must be 1 ms to 1 minute.")]
    [InlineData("LocalExpiration", "5", "NativeMm:DistributedCache:LocalExpiration is '5'; it must be 0 to 1 day.")]
    [InlineData("DefaultExpiration", "0s", "NativeMm:DistributedCache:DefaultExpiration is '00:00:00'; it must be 1 ms or more.")]
    [InlineData("CircuitFailures", "0", "NativeMm:DistributedCache:CircuitFailures is '0'; it must be 1 to 1000000.")]
    public async Task Wrong_option_stops_the_start(string key, string value, string message)
    {
        using IHost host = Build((key, value));
        OptionsValidationException thrown = await Assert.ThrowsAsync<OptionsValidationException>(() => host.StartAsync().WaitAsync(CacheFixture.Timeout));
        Assert.Contains(message, thrown.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Wrong_option_is_named_without_a_container_too()
    {
        ArgumentOutOfRangeException thrown = Assert.Throws<ArgumentOutOfRangeException>(
            "SizeLimit", () => new CacheFixture(configure: options => options.SizeLimit = 5));
        Assert.Contains("1 MiB to 8 TiB", thrown.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("instance")]
    [InlineData("factory")]
    [InlineData("type")]
    [InlineData("key")]
    [InlineData("function")]
    public async Task Second_tier_is_found_however_it_was_registered(string how)
    {
        var tier = new FakeTier();
        var services = new ServiceCollection();
        switch (how)
        {
            case "instance": services.AddSingleton<IDistributedCache>(tier); break;
            case "factory": services.AddSingleton<IDistributedCache>(_ => tier); break;
            case "type": services.AddDistributedMemoryCache(); break;
            case "key": services.AddKeyedSingleton<IDistributedCache>("redis", tier); break;
        }

        NativeDistributedCacheBuilder builder = Services(services: services).AddNativeMmDistributedCache();
        _ = how switch
        {
            "key" => builder.WithKeyedSecondTier("redis"),
            "function" => builder.WithSecondTier(_ => tier),
            _ => builder.WithRegisteredSecondTier(),
        };
        await using ServiceProvider provider = services.BuildServiceProvider();
        IDistributedCache cache = provider.GetRequiredService<IDistributedCache>();
        Assert.IsType<NativeDistributedCache>(cache);
        cache.Set("key", [1], new());
        cache.Get("none");
        Assert.Equal(1, ((NativeDistributedCache)cache).GetStatistics().TierMisses);
        Assert.Equal(how == "type" ? 0 : 1, tier.Writes);
    }

    [Fact]
    public void Second_tier_that_was_not_registered_is_said()
    {
        InvalidOperationException thrown = Assert.Throws<InvalidOperationException>(() => Services().AddNativeMmDistributedCache().WithRegisteredSecondTier());
        Assert.Contains("AddStackExchangeRedisCache", thrown.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Budget_takes_what_it_wants_from_the_cache()
    {
        await using ServiceProvider provider = Services().BuildServiceProvider();
        NativeDistributedCache cache = provider.GetRequiredService<NativeDistributedCache>();
        for (int i = 0; i < 1000; i++)
        {
            cache.Set($"{i}", CacheFixture.Bytes(1000), new());
        }

        long before = cache.GetStatistics().Local.UsedBytes;
        IMemoryPressureHandler handler = Assert.Single(provider.GetServices<IMemoryPressureHandler>());
        long released = handler.Release(before / 2);
        Assert.Equal(before - cache.GetStatistics().Local.UsedBytes, released);
        Assert.InRange(released, before / 4, before);
        Assert.True(cache.GetStatistics().Local.Evictions > 0);
    }

    [Fact]
    public async Task Metrics_of_the_second_tier_are_those_of_the_document()
    {
        var tier = new FakeTier();
        ServiceCollection services = Services(options => options.Name = "orders");
        services.AddNativeMmDistributedCache().WithSecondTier(_ => tier);
        await using ServiceProvider provider = services.BuildServiceProvider();
        NativeDistributedCache cache = provider.GetRequiredService<NativeDistributedCache>();
        cache.Get("none");
        tier["damaged"] = [1];
        cache.Get("damaged");
        tier.Before = (_, _) => throw new InvalidOperationException("down");
        for (int i = 0; i < 6; i++)
        {
            cache.Get("none");
        }

        Assert.Equal(["hit 0", "miss 2"], Collect("cache.tier.requests", "{request}", "cache.request.type"));
        Assert.Equal(["circuit_open 1", "corrupt 1", "error 5", "timeout 0"], Collect("cache.tier.failures", "{call}", "error.type"));
        Assert.Equal([" 0"], Collect("cache.tier.shared_loads", "{request}", null));
        Assert.Equal([" 0"], Collect("cache.tier.repairs", "{write}", null));
        Assert.Equal([" 1"], Collect("cache.tier.circuit", null, null));

        string[] Collect(string instrument, string? unit, string? tag)
        {
            using var collector = new MetricCollector<long>(provider.GetRequiredService<IMeterFactory>(), "NativeMm", instrument);
            collector.RecordObservableInstruments();
            Assert.Equal(unit, collector.Instrument!.Unit);
            Assert.All(collector.GetMeasurementSnapshot(), one => Assert.Equal("orders", one.Tags["cache.name"]));
            return [.. collector.GetMeasurementSnapshot().Select(one => $"{(tag is null ? "" : one.Tags[tag])} {one.Value}").Order(StringComparer.Ordinal)];
        }
    }

    /// <summary>Caches beside that of the service, each with limit and name of its own, on the one runtime.</summary>
    [Fact]
    public async Task Several_caches_have_a_key_each_and_nothing_in_common()
    {
        ServiceCollection services = Services();
        foreach (string name in (string[])["pages", "orders"])
        {
            services.AddKeyedSingleton<IDistributedCache>(name, (provider, _) => new NativeDistributedCache(
                provider.GetRequiredService<NativeMm.Runtime.MemoryRuntime>(), new NativeDistributedCacheOptions { Name = name, SizeLimit = 2 << 20 }));
        }

        IDistributedCache pages;
        await using (ServiceProvider provider = services.BuildServiceProvider())
        {
            pages = provider.GetRequiredKeyedService<IDistributedCache>("pages");
            IDistributedCache orders = provider.GetRequiredKeyedService<IDistributedCache>("orders");
            IDistributedCache plain = provider.GetRequiredService<IDistributedCache>();
            pages.Set("key", [1], new());
            orders.Set("key", [2], new());
            Assert.Equal([1], pages.Get("key"));
            Assert.Equal([2], orders.Get("key"));
            Assert.Null(plain.Get("key"));
            Assert.Equal((2L << 20, 16L << 20), (Limit(orders), Limit(plain)));
        }

        Assert.Throws<ObjectDisposedException>(() => pages.Get("key"));

        static long Limit(IDistributedCache cache) => ((NativeDistributedCache)cache).GetStatistics().Local.SizeLimit;
    }

    /// <summary>Requests that are under way when the host stops see a cache, or that it is disposed; nothing else, and nobody hangs.</summary>
    [Fact]
    public async Task Host_that_stops_under_load_leaves_nobody_hanging()
    {
        var tier = new FakeTier { Before = static (_, stop) => Task.Delay(1, stop) };
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Services.AddNativeMm(options => options.CapacityBytes = 64 << 20);
        builder.Services.AddNativeMmDistributedCache(options => options.SizeLimit = 2 << 20).WithSecondTier(_ => tier);
        IHost host = builder.Build();
        await host.StartAsync().WaitAsync(CacheFixture.Timeout);
        IDistributedCache cache = host.Services.GetRequiredService<IDistributedCache>();
        int done = 0;
        Task[] users = [.. Enumerable.Range(0, 8).Select(user => Task.Run(async () =>
        {
            for (int i = 0; ; i++)
            {
                try
                {
                    await cache.SetAsync($"{user} {i % 50}", CacheFixture.Bytes(20_000), new());
                    await cache.GetAsync($"{user + 1} {i % 50}");
                    await cache.RemoveAsync($"{user} {(i + 25) % 50}");
                    Interlocked.Increment(ref done);
                }
                catch (ObjectDisposedException)
                {
                    return;
                }
            }
        }))];
        await SecondTierTests.Until(() => Volatile.Read(ref done) > 100);
        await host.StopAsync().WaitAsync(CacheFixture.Timeout);
        host.Dispose();
        await Task.WhenAll(users).WaitAsync(CacheFixture.Timeout);
    }

    private static ServiceCollection Services(Action<NativeDistributedCacheOptions>? configure = null, ServiceCollection? services = null)
    {
        services ??= [];
        services.AddNativeMm(options => options.CapacityBytes = 64 << 20);
        services.AddNativeMmDistributedCache(options =>
        {
            options.SizeLimit = 16 << 20;
            configure?.Invoke(options);
        });
        return services;
    }

    private static IHost Build(params (string Key, string Value)[] configuration)
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Configuration.AddInMemoryCollection(
            configuration.Select(entry => KeyValuePair.Create($"NativeMm:DistributedCache:{entry.Key}", (string?)entry.Value)));
        builder.Services.AddNativeMm(options => options.CapacityBytes = 64 << 20);
        builder.Services.AddNativeMmDistributedCache();
        return builder.Build();
    }
}
