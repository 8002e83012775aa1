using System.Net;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.DependencyInjection;
using NativeMm.Buffers;
using NativeMm.Caching;
using NativeMm.Runtime;
using NativeMm.Zsmalloc;
using Xunit;

namespace NativeMm.Extensions.Tests.LivePage;

public sealed class LivePageTests
{
    [Fact]
    public async Task Categories_add_up_to_what_is_resident_and_the_map_to_all_frames()
    {
        await using WebApplication app = await LivePageHost.StartAsync("Development", app => app.MapNativeMm());
        MemoryRuntime runtime = app.Services.GetRequiredService<MemoryRuntime>();
        using ZsPool pool = runtime.CreateZsPool(new ZsPoolOptions { Name = "objects" });
        Fill(runtime, pool);
        using JsonDocument state = JsonDocument.Parse(await app.GetTestClient().GetStringAsync("/nativemm/data"));
        JsonElement process = state.RootElement.GetProperty("process");
        long resident = process.GetProperty("resident").GetInt64();
        JsonElement[] categories = [.. process.GetProperty("categories").EnumerateArray()];
        Assert.Equal(resident, categories.Sum(one => one.GetProperty("bytes").GetInt64()));
        Assert.All(categories, one => Assert.True(one.GetProperty("bytes").GetInt64() >= 0));
        Assert.InRange(resident, 20 << 20, 20L << 30);

        JsonElement mine = state.RootElement.GetProperty("runtimes").EnumerateArray().Single(one => one.GetProperty("name").GetString() == "tested");
        JsonElement states = mine.GetProperty("states");
        long opened = mine.GetProperty("opened").GetInt64();
        Assert.Equal(
            opened,
            states.GetProperty("used").GetInt64() + states.GetProperty("retained").GetInt64() + states.GetProperty("releasing").GetInt64()
            + states.GetProperty("returned").GetInt64());
        int[][] map = [.. mine.GetProperty("map").EnumerateArray().Select(cell => cell.EnumerateArray().Select(one => one.GetInt32()).ToArray())];
        Assert.NotEmpty(map);
        Assert.All(map, cell => Assert.Equal(512, cell.Sum()));
        Assert.All(map, cell => Assert.All(cell, frames => Assert.InRange(frames, 0, 512)));
        Assert.True(map.Sum(cell => cell[0]) * 4096L >= 1000 * 1024);
        Assert.True(map.Sum(cell => cell[1]) > 0);
        Assert.Contains("objects", mine.GetProperty("zsmalloc").GetRawText(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Bytes_of_caches_are_there()
    {
        await using WebApplication app = await LivePageHost.StartAsync("Development", app => app.MapNativeMm());
        using var cache = new NativeCache(app.Services.GetRequiredService<MemoryRuntime>(), new NativeCacheOptions { SizeLimit = 2 << 20 });
        Assert.True(cache.Set("key"u8, new byte[1000]));
        using JsonDocument state = JsonDocument.Parse(await app.GetTestClient().GetStringAsync("/nativemm/data"));
        JsonElement mine = state.RootElement.GetProperty("runtimes").EnumerateArray().Single(one => one.GetProperty("name").GetString() == "tested");
        Assert.InRange(mine.GetProperty("cacheBytes").GetInt64(), 1000, 2 << 20);
    }

    [Fact]
    public async Task Page_names_its_own_files_only_and_forbids_all_others()
    {
        await using WebApplication app = await LivePageHost.StartAsync("Development", app => app.MapNativeMm("/ops/memory/"));
        HttpClient client = app.GetTestClient();
        using HttpResponseMessage page = await client.GetAsync("/ops/memory");
        string html = await page.Content.ReadAsStringAsync();
        Assert.Equal("text/html; charset=utf-8", page.Content.Headers.ContentType!.ToString());
        Assert.Contains("default-src 'none'", string.Join(';', page.Headers.GetValues("Content-Security-Policy")), StringComparison.Ordinal);
        Assert.DoesNotContain("{{", html, StringComparison.Ordinal);
        foreach (string file in (string[])["page.css", "page.js"])
        {
            Assert.Contains($"/ops/memory/{file}", html, StringComparison.Ordinal);
            string text = await client.GetStringAsync($"/ops/memory/{file}");
            Assert.DoesNotContain("http", text, StringComparison.Ordinal);
        }

        Assert.DoesNotContain("http:", html, StringComparison.Ordinal);
        Assert.DoesNotContain("https:", html, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Texts_have_the_shapes_of_the_kernels_files()
    {
        await using WebApplication app = await LivePageHost.StartAsync("Development", app => app.MapNativeMm());
        MemoryRuntime runtime = app.Services.GetRequiredService<MemoryRuntime>();
        using ZsPool pool = runtime.CreateZsPool(new ZsPoolOptions { Name = "objects", LockStatistics = true });
        Fill(runtime, pool);
        HttpClient client = app.GetTestClient();
        Assert.Matches(@"^Node 0, zone\s+tested (\s+\d+){11} ?\n", await client.GetStringAsync("/nativemm/text/buddyinfo"));
        string classes = await client.GetStringAsync("/nativemm/text/zsmalloc");
        Assert.StartsWith("objects\n class  size ", classes, StringComparison.Ordinal);
        Assert.Matches(@"\n +\d+ +\d+ ( +\d+){11} +\d+ +\d+ +\d+ +\d+ +\d+\n", classes);
        string locks = await client.GetStringAsync("/nativemm/text/lock_stat");
        Assert.Contains("con-bounces", locks, StringComparison.Ordinal);
        Assert.Contains("tested-1024:", locks, StringComparison.Ordinal);
        Assert.Contains("objects-", locks, StringComparison.Ordinal);
        using HttpResponseMessage ranges = await client.GetAsync("/nativemm/text/vmallocinfo");
        Assert.Equal("text/plain", ranges.Content.Headers.ContentType!.MediaType);
        Assert.Equal(HttpStatusCode.NotFound, (await client.GetAsync("/nativemm/text/passwd")).StatusCode);
    }

    /// <summary>Names are the program's: the JSON stays JSON, and a line of the texts one line of as many words.</summary>
    [Fact]
    public async Task Odd_names_break_no_shape()
    {
        const string Odd = "a \"b\"\n<c>\\\u0001\ud800";
        await using WebApplication app = await LivePageHost.StartAsync(
            "Development", app => app.MapNativeMm(), services => services.Configure<NativeMmOptions>(options => options.Name = Odd));
        MemoryRuntime runtime = app.Services.GetRequiredService<MemoryRuntime>();
        using ZsPool pool = runtime.CreateZsPool(new ZsPoolOptions { Name = Odd, LockStatistics = true });
        Fill(runtime, pool);
        HttpClient client = app.GetTestClient();
        using JsonDocument state = JsonDocument.Parse(await client.GetStringAsync("/nativemm/data"));
        Assert.Contains(
            state.RootElement.GetProperty("runtimes").EnumerateArray(),
            one => one.GetProperty("name").GetString() == Odd.Replace('\ud800', '\ufffd') && one.GetProperty("zsmalloc").GetArrayLength() == 1);
        Assert.Matches(@"^Node 0, zone\s+a_""b""_<c>\\_\S (\s+\d+){11} ?\n", await client.GetStringAsync("/nativemm/text/buddyinfo"));
        Assert.Matches(@"^a_""b""_<c>\\_\S\n class  size ", await client.GetStringAsync("/nativemm/text/zsmalloc"));
        Assert.DoesNotContain("\n<c>", await client.GetStringAsync("/nativemm/text/lock_stat"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Events_end_when_the_runtime_does()
    {
        await using WebApplication app = await LivePageHost.StartAsync("Development", app => app.MapNativeMm());
        using HttpResponseMessage response = await app.GetTestClient().GetAsync("/nativemm/events", HttpCompletionOption.ResponseHeadersRead);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync());
        Assert.StartsWith("data: {", await reader.ReadLineAsync().WaitAsync(LivePageHost.Timeout), StringComparison.Ordinal);
        app.Services.GetRequiredService<MemoryRuntime>().Dispose();

        // To its end, and no exception on the way.
        await reader.ReadToEndAsync().WaitAsync(LivePageHost.Timeout);
    }

    [Fact]
    public async Task Events_come_by_themselves_and_end_with_the_host()
    {
        await using WebApplication app = await LivePageHost.StartAsync("Development", app => app.MapNativeMm());
        using HttpResponseMessage response = await app.GetTestClient().GetAsync("/nativemm/events", HttpCompletionOption.ResponseHeadersRead);
        Assert.Equal("text/event-stream", response.Content.Headers.ContentType!.MediaType);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync());
        for (int i = 0; i < 2; i++)
        {
            string? line = await reader.ReadLineAsync().WaitAsync(LivePageHost.Timeout);
            Assert.StartsWith("data: {", line, StringComparison.Ordinal);
            using var state = JsonDocument.Parse(line!["data: ".Length..]);
            Assert.Equal("", await reader.ReadLineAsync().WaitAsync(LivePageHost.Timeout));
        }

        await app.StopAsync().WaitAsync(LivePageHost.Timeout);
        Assert.Null(await reader.ReadLineAsync().WaitAsync(LivePageHost.Timeout));
    }

    [Fact]
    public async Task Trim_is_done_for_the_page_and_not_for_a_form_of_another_site()
    {
        await using WebApplication app = await LivePageHost.StartAsync("Development", app => app.MapNativeMm());
        HttpClient client = app.GetTestClient();
        Assert.Equal(HttpStatusCode.BadRequest, (await client.PostAsync("/nativemm/trim", null)).StatusCode);
        Assert.Equal(HttpStatusCode.MethodNotAllowed, (await client.GetAsync("/nativemm/trim")).StatusCode);
        using var pool = new NativeBufferPool();
        pool.RentMemory(1 << 20).Dispose();
        using var request = new HttpRequestMessage(HttpMethod.Post, "/nativemm/trim") { Headers = { { "X-NativeMm", "1" } } };
        using HttpResponseMessage answer = await client.SendAsync(request);
        using var json = JsonDocument.Parse(await answer.Content.ReadAsStringAsync());
        Assert.True(json.RootElement.GetProperty("returned").GetInt64() >= 1 << 20);
        Assert.Equal(0, pool.GetStatistics().PooledBytes);
    }

    [Fact]
    public async Task Outside_of_development_a_page_that_anybody_could_see_stops_the_start()
    {
        InvalidOperationException thrown = await Assert.ThrowsAsync<InvalidOperationException>(
            () => LivePageHost.StartAsync("Production", app => app.MapNativeMm("/mem")));
        Assert.Contains("app.MapNativeMm(\"/mem\").RequireAuthorization", thrown.Message, StringComparison.Ordinal);
        Assert.Contains("Production", thrown.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<InvalidOperationException>(
            () => LivePageHost.StartAsync("Production", app => app.MapNativeMm().RequireAuthorization().AllowAnonymous()));
    }

    [Fact]
    public async Task Told_so_it_may_be_seen_by_anybody()
    {
        await using WebApplication app = await LivePageHost.StartAsync(
            "Production", app => app.MapNativeMm(configure: options => options.AllowWithoutAuthorization = true));
        Assert.Equal(HttpStatusCode.OK, (await app.GetTestClient().GetAsync("/nativemm")).StatusCode);
    }

    [Fact]
    public async Task Policy_for_everything_is_enough()
    {
        await using WebApplication app = await LivePageHost.StartAsync(
            "Production",
            app => app.MapNativeMm(),
            services => services.AddAuthorization(options => options.FallbackPolicy = options.GetPolicy("operators")));
        Assert.Equal(HttpStatusCode.Unauthorized, (await app.GetTestClient().GetAsync("/nativemm")).StatusCode);
    }

    [Theory]
    [InlineData("/")]
    [InlineData("/memory/{id}")]
    public async Task Path_that_is_none_is_refused(string path)
    {
        ArgumentException thrown = await Assert.ThrowsAsync<ArgumentException>(() => LivePageHost.StartAsync("Development", app => app.MapNativeMm(path)));
        Assert.Contains(path, thrown.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Page_without_the_services_says_what_is_missing()
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseTestServer();
        await using WebApplication app = builder.Build();
        Assert.Contains("AddNativeMm", Assert.Throws<InvalidOperationException>(() => app.MapNativeMm()).Message, StringComparison.Ordinal);
    }

    private static unsafe void Fill(MemoryRuntime runtime, ZsPool pool)
    {
        var blocks = new nint[1000];
        runtime.Heap.AllocBulk(1024, blocks);
        for (int i = 0; i < 300; i++)
        {
            pool.Alloc(100 + i);
        }
    }
}
