using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.OutputCaching;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Xunit;

namespace NativeMm.Extensions.Tests.Caching;

/// <summary>Output caching in a service, with the framework's own middleware.</summary>
public sealed class AddOutputCacheTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Responses_lie_in_the_store_and_go_by_their_tag(bool isFirst)
    {
        int made = 0;
        await using WebApplication app = Build(services => _ = isFirst
            ? services.AddNativeMmOutputCache().AddOutputCache() : services.AddOutputCache().AddNativeMmOutputCache());
        app.UseOutputCache();
        app.MapGet("/", () => $"made {Interlocked.Increment(ref made)}").CacheOutput(policy => policy.Tag("all"));
        await app.StartAsync().WaitAsync(CacheFixture.Timeout);
        using HttpClient client = app.GetTestClient();
        Assert.Equal("made 1", await client.GetStringAsync("/"));
        Assert.Equal("made 1", await client.GetStringAsync("/"));
        NativeOutputCacheStore store = app.Services.GetRequiredService<NativeOutputCacheStore>();
        Assert.Equal(1, store.GetStatistics().Count);
        Assert.Same(store, app.Services.GetRequiredService<IOutputCacheStore>());
        await app.Services.GetRequiredService<IOutputCacheStore>().EvictByTagAsync("all", default);
        Assert.Equal("made 2", await client.GetStringAsync("/"));
        await app.StopAsync().WaitAsync(CacheFixture.Timeout);
    }

    [Fact]
    public async Task Configuration_sets_the_options_and_a_second_call_adds_to_them()
    {
        await using WebApplication app = Build(
            services => services.AddNativeMmOutputCache(options => options.Name = "pages").AddNativeMmOutputCache(options => options.Name += " and more"),
            ("SizeLimit", "8MiB"), ("MaxEntryBytes", "1MiB"));
        NativeOutputCacheOptions options = app.Services.GetRequiredService<IOptions<NativeMmOptions>>().Value.OutputCache;
        Assert.Equal((8L << 20, 1L << 20, "pages and more"), (options.SizeLimit, options.MaxEntryBytes, options.Name));
        Assert.Equal(8L << 20, app.Services.GetRequiredService<NativeOutputCacheStore>().GetStatistics().SizeLimit);
        Assert.Single(app.Services.GetServices<IOutputCacheStore>());
    }

    [Fact]
    public async Task Wrong_option_stops_the_start()
    {
        await using WebApplication app = Build(services => services.AddNativeMmOutputCache(), ("SizeLimit", "1000"));
        OptionsValidationException thrown = await Assert.ThrowsAsync<OptionsValidationException>(() => app.StartAsync().WaitAsync(CacheFixture.Timeout));
        Assert.Contains("NativeMm:OutputCache:SizeLimit is '1000'; it must be 1 MiB to 8 TiB.", thrown.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Store_ends_with_the_service_and_gives_to_its_budget()
    {
        NativeOutputCacheStore store;
        await using (WebApplication app = Build(services => services.AddNativeMmOutputCache()))
        {
            store = app.Services.GetRequiredService<NativeOutputCacheStore>();
            for (int i = 0; i < 1000; i++)
            {
                await store.SetAsync($"{i}", CacheFixture.Bytes(1000), null, TimeSpan.FromMinutes(1), default);
            }

            long before = store.GetStatistics().UsedBytes;
            IMemoryPressureHandler handler = Assert.Single(app.Services.GetServices<IMemoryPressureHandler>());
            long released = handler.Release(before / 2);
            Assert.Equal(before - store.GetStatistics().UsedBytes, released);
            Assert.True(store.GetStatistics().Evictions > 0);
        }

        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await store.GetAsync("key", default));
    }

    private static WebApplication Build(Action<IServiceCollection> add, params (string Key, string Value)[] settings)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseTestServer();
        builder.Configuration.AddInMemoryCollection(settings.Select(one => KeyValuePair.Create($"NativeMm:OutputCache:{one.Key}", (string?)one.Value)));
        add(builder.Services);
        return builder.Build();
    }
}
