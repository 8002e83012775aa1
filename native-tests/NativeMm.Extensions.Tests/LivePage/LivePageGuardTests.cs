using System.Net;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Xunit;

namespace NativeMm.Extensions.Tests.LivePage;

/// <summary>Who may see the page, wherever and whenever it is mapped.</summary>
public sealed class LivePageGuardTests
{
    private static readonly string[] s_parts = ["", "/page.css", "/page.js", "/data", "/events", "/text/buddyinfo", "/profile", "/trim"];

    public static TheoryData<string> Parts { get; } = new(s_parts);

    [Theory]
    [MemberData(nameof(Parts))]
    public async Task Policy_holds_for_every_part_of_the_page(string part)
    {
        await using WebApplication app = await LivePageHost.StartAsync(
            "Production",
            app => app.MapNativeMm().RequireAuthorization("operators"),
            services => services.AddNativeMm(options => options.HeapProfile = true));
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(app, "/nativemm" + part, null));
        Assert.Equal(HttpStatusCode.Forbidden, await StatusAsync(app, "/nativemm" + part, "guest"));
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(app, "/nativemm" + part, "operator"));
    }

    [Theory]
    [InlineData("Development")]
    [InlineData("Production")]
    public async Task Policy_without_anything_that_asks_it_stops_the_start(string environment)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { EnvironmentName = environment });
        builder.WebHost.UseTestServer();
        builder.Services.AddNativeMm();
        await using WebApplication app = builder.Build();
        app.MapNativeMm().RequireAuthorization();
        InvalidOperationException thrown = await Assert.ThrowsAsync<InvalidOperationException>(() => app.StartAsync());
        Assert.Contains("AddAuthorization()", thrown.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_part_of_the_page_is_in_these_tests()
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Services.AddNativeMm();
        using WebApplication app = builder.Build();
        app.MapNativeMm();
        IEnumerable<string> mapped = ((IEndpointRouteBuilder)app).DataSources.SelectMany(source => source.Endpoints)
            .Cast<RouteEndpoint>().Select(endpoint => endpoint.RoutePattern.RawText!.Replace("{name}", "buddyinfo", StringComparison.Ordinal).TrimEnd('/'));
        Assert.Equal(s_parts.Select(part => "/nativemm" + part).Order(StringComparer.Ordinal), mapped.Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Endpoints_that_a_startup_maps_stop_the_start_too(bool isMappedInBranch)
    {
        InvalidOperationException thrown = await Assert.ThrowsAsync<InvalidOperationException>(async () =>
        {
            using IHost host = await StartAsync(app =>
            {
                if (isMappedInBranch)
                {
                    app.Map("/branch", branch => branch.UseRouting().UseEndpoints(endpoints => endpoints.MapNativeMm()));
                    return;
                }

                app.UseRouting().UseEndpoints(endpoints => endpoints.MapNativeMm());
            });
        });
        Assert.Contains("app.MapNativeMm(\"/nativemm\").RequireAuthorization", thrown.Message, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Parts))]
    public async Task Policy_for_everything_that_nobody_asks_guards_nothing(string part)
    {
        using IHost host = await StartAsync(
            app => app.UseRouting().UseEndpoints(endpoints => endpoints.MapNativeMm()),
            services => services.AddAuthorization(options => options.FallbackPolicy = options.GetPolicy("operators")));
        using var request = new HttpRequestMessage(part == "/trim" ? HttpMethod.Post : HttpMethod.Get, "/nativemm" + part) { Headers = { { "X-NativeMm", "1" } } };
        using HttpResponseMessage response = await host.GetTestClient().SendAsync(request);
        Assert.Equal(HttpStatusCode.Forbidden, response.StatusCode);
        Assert.Contains("UseAuthorization", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Policy_that_is_a_part_of_the_endpoint_and_that_nobody_asks_guards_nothing()
    {
        AuthorizationPolicy policy = new AuthorizationPolicyBuilder("test").RequireRole("operator").Build();
        using IHost host = await StartAsync(app => app.UseRouting().UseEndpoints(endpoints => endpoints.MapNativeMm().WithMetadata(policy)));
        using HttpResponseMessage response = await host.GetTestClient().GetAsync("/nativemm");
        Assert.Equal(HttpStatusCode.Forbidden, response.StatusCode);
    }

    [Fact]
    public async Task Policy_that_goes_after_the_start_leaves_the_page_closed()
    {
        await using WebApplication app = await LivePageHost.StartAsync(
            "Production", app => app.MapNativeMm(), services => services.AddSingleton<IAuthorizationPolicyProvider, ChangingPolicies>());
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(app, "/nativemm", null));
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(app, "/nativemm", "operator"));
        ((ChangingPolicies)app.Services.GetRequiredService<IAuthorizationPolicyProvider>()).HasFallback = false;
        Assert.Equal(HttpStatusCode.Forbidden, await StatusAsync(app, "/nativemm", null));
        Assert.Equal(HttpStatusCode.Forbidden, await StatusAsync(app, "/nativemm", "operator"));
    }

    [Fact]
    public async Task Policy_of_a_group_holds_for_the_page_in_it()
    {
        await using WebApplication app = await LivePageHost.StartAsync(
            "Production", app => app.MapGroup("/ops").RequireAuthorization("operators").MapGroup("/{region}").MapNativeMm("/mem"));
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(app, "/ops/north/mem", null));
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(app, "/ops/north/mem", "operator"));
    }

    [Fact]
    public async Task Group_without_a_policy_stops_the_start()
    {
        await Assert.ThrowsAsync<InvalidOperationException>(
            () => LivePageHost.StartAsync("Production", app => app.MapGroup("/ops").MapNativeMm()));
        await Assert.ThrowsAsync<InvalidOperationException>(
            () => LivePageHost.StartAsync("Production", app => app.MapGroup("/ops").AllowAnonymous().MapNativeMm().RequireAuthorization()));
    }

    [Theory]
    [InlineData("/ops/north/mem", "/ops/north/mem")]
    [InlineData("/ops/a%22b/mem/", "/ops/a%22b/mem")]
    [InlineData("/behind/ops/north/mem", "/behind/ops/north/mem")]
    public async Task Links_carry_the_prefix_that_the_page_was_asked_with(string asked, string root)
    {
        await using WebApplication app = await LivePageHost.StartAsync("Development", app =>
        {
            app.UsePathBase("/behind");
            app.UseRouting();
            app.MapGroup("/ops/{region}").MapNativeMm("/mem");
        });
        string html = await app.GetTestClient().GetStringAsync(asked);
        Assert.Contains($"data-base=\"{root}\"", html, StringComparison.Ordinal);
        Assert.Contains($"href=\"{root}/page.css\"", html, StringComparison.Ordinal);
        using HttpResponseMessage script = await app.GetTestClient().GetAsync(root + "/page.js");
        Assert.Equal(HttpStatusCode.OK, script.StatusCode);
    }

    private static async Task<HttpStatusCode> StatusAsync(WebApplication app, string path, string? role)
    {
        bool isTrim = path.EndsWith("/trim", StringComparison.Ordinal);
        using var request = new HttpRequestMessage(isTrim ? HttpMethod.Post : HttpMethod.Get, path) { Headers = { { "X-NativeMm", "1" } } };
        if (role is not null)
        {
            request.Headers.Add("X-Role", role);
        }

        using HttpResponseMessage response = await app.GetTestClient().SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        return response.StatusCode;
    }

    /// <summary>A service that maps its endpoints when the server starts, as a class Startup does, in Production.</summary>
    private static Task<IHost> StartAsync(Action<IApplicationBuilder> configure, Action<IServiceCollection>? services = null) => new HostBuilder()
        .UseEnvironment("Production")
        .ConfigureServices(collection => collection.AddNativeMm(options => options.CapacityBytes = 64 << 20))
        .ConfigureWebHost(web => web.UseTestServer().ConfigureServices(collection =>
        {
            collection.AddRouting();
            collection.AddAuthorization(options => options.AddPolicy("operators", policy => policy.RequireRole("operator")));
            services?.Invoke(collection);
        }).Configure(configure))
        .StartAsync().WaitAsync(LivePageHost.Timeout);

    /// <summary>Policies that are asked for at each request, as those of a database are: the framework keeps only those of its own provider.</summary>
    private sealed class ChangingPolicies(IOptions<AuthorizationOptions> options) : IAuthorizationPolicyProvider
    {
        public bool HasFallback { get; set; } = true;

        public bool AllowsCachingPolicies => false;

        public Task<AuthorizationPolicy> GetDefaultPolicyAsync() => Task.FromResult(options.Value.DefaultPolicy);

        public Task<AuthorizationPolicy?> GetPolicyAsync(string policyName) => Task.FromResult(options.Value.GetPolicy(policyName));

        public Task<AuthorizationPolicy?> GetFallbackPolicyAsync() =>
            HasFallback ? GetPolicyAsync("operators") : Task.FromResult<AuthorizationPolicy?>(null);
    }
}
