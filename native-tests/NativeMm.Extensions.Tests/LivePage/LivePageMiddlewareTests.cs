using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http.Timeouts;
using Microsoft.AspNetCore.OutputCaching;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace NativeMm.Extensions.Tests.LivePage;

/// <summary>What a service asks of all of its endpoints, and the page must not do.</summary>
public sealed class LivePageMiddlewareTests
{
    private static readonly string[] s_paths =
    [
        "", "/page.css", "/page.js", "/data", "/text/buddyinfo", "/text/vmallocinfo", "/text/zsmalloc", "/text/lock_stat", "/text/nothing", "/profile",
    ];

    [Fact]
    public async Task Nothing_of_the_page_is_kept_by_output_caching_of_everything()
    {
        await using WebApplication app = await LivePageHost.StartAsync(
            "Development",
            app =>
            {
                app.UseOutputCache();
                app.MapNativeMm();
                app.MapGet("/kept", () => "kept");
            },
            services => services.AddNativeMmOutputCache().AddOutputCache(options => options.AddBasePolicy(policy => policy.Tag("all"))));
        HttpClient client = app.GetTestClient();
        NativeOutputCacheStore store = app.Services.GetRequiredService<NativeOutputCacheStore>();
        Assert.Equal("kept", await client.GetStringAsync("/kept"));
        Assert.Equal(1, store.GetStatistics().Sets);
        foreach (string path in s_paths)
        {
            using HttpResponseMessage response = await client.GetAsync($"/nativemm{path}");
            Assert.False(response.Headers.Contains("Age"));
        }

        Assert.Equal(1, store.GetStatistics().Sets);

        // A stream without an end would be kept in memory until it is too long.
        IEnumerable<RouteEndpoint> all = app.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
            .Where(one => one.RoutePattern.RawText!.StartsWith("/nativemm", StringComparison.Ordinal));
        Assert.All(all, one => Assert.True(one.Metadata.GetMetadata<OutputCacheAttribute>()!.NoStore));
    }

    [Theory]
    [InlineData("/")]
    [InlineData("/{id}")]
    [InlineData("/{")]
    [InlineData("/a//b")]
    [InlineData("/a?b")]
    public async Task Path_that_is_none_is_refused_by_its_name(string path)
    {
        await using WebApplication app = await LivePageHost.StartAsync("Development", static _ => { });
        ArgumentException thrown = Assert.Throws<ArgumentException>("pattern", () => app.MapNativeMm(path));
        Assert.Contains($"not '{path}'", thrown.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Events_go_on_beyond_the_time_that_a_request_may_take()
    {
        await using WebApplication app = await LivePageHost.StartAsync(
            "Development",
            app =>
            {
                app.UseRequestTimeouts();
                app.MapNativeMm();
            },
            services => services.AddRequestTimeouts(options => options.DefaultPolicy = new RequestTimeoutPolicy { Timeout = TimeSpan.FromMilliseconds(100) }));
        using Stream events = await app.GetTestClient().GetStreamAsync("/nativemm/events").WaitAsync(LivePageHost.Timeout);
        using var reader = new StreamReader(events);
        for (int told = 0; told < 3;)
        {
            string? line = await reader.ReadLineAsync().WaitAsync(LivePageHost.Timeout);
            Assert.NotNull(line);
            told += line.StartsWith("data: ", StringComparison.Ordinal) ? 1 : 0;
        }
    }
}
