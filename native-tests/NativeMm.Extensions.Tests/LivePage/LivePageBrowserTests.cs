using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using NativeMm.Runtime;
using Xunit;

namespace NativeMm.Extensions.Tests.LivePage;

/// <summary>The page as a person sees it. With the variable NATIVEMM_SCREENSHOTS set to a folder, pictures of it are left there.</summary>
public sealed class LivePageBrowserTests
{
    private const int Tab = 9;
    private const int Enter = 13;

    [BrowserFact]
    public async Task Page_updates_itself_adds_up_and_works_by_keyboard_and_at_375_pixels()
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { EnvironmentName = Environments.Development });
        builder.Logging.ClearProviders();
        builder.Services.AddNativeMm(options => (options.CapacityBytes, options.Name) = (256 << 20, "orders")).AddKestrelPool();
        await using WebApplication app = builder.Build();
        app.Urls.Add("http://127.0.0.1:0");
        app.MapNativeMm();
        await app.StartAsync().WaitAsync(LivePageHost.Timeout);
        Fill(app.Services.GetRequiredService<MemoryRuntime>());
        await using Browser browser = await Browser.StartAsync();
        await browser.CallAsync("Emulation.setDeviceMetricsOverride", new { width = 1280, height = 900, deviceScaleFactor = 1, mobile = false });
        string address = app.Urls.Single();
        await browser.CallAsync("Page.navigate", new { url = address + "/nativemm" });
        await browser.WaitForAsync("document.body && Number(document.body.dataset.updates) >= 1");
        double before = await NumberOf(browser, "Number(document.body.dataset.updates)");
        await browser.WaitForAsync($"Number(document.body.dataset.updates) >= {before + 2}");
        await SaveAsync(browser, "page-light.png");

        // Every runtime's legend adds up to its total.
        JsonElement legends = await browser.EvaluateAsync(
            "[...document.querySelectorAll('.legend')].map(list => [[...list.querySelectorAll('[data-frames]')].reduce((sum, one) => sum + Number(one.dataset.frames), 0), "
            + "Number(list.querySelector('[data-total]').dataset.total)])");
        Assert.NotEmpty(legends.EnumerateArray());
        Assert.All(legends.EnumerateArray(), pair => Assert.Equal(pair[1].GetInt64(), pair[0].GetInt64()));
        Assert.True(legends.EnumerateArray().First()[1].GetInt64() > 0);

        // By keyboard alone: the skip link, Pause, Set baseline.
        await PressAsync(browser, "Tab", Tab);
        Assert.Equal("skip", await TextOf(browser, "document.activeElement.className"));
        await PressAsync(browser, "Tab", Tab);
        Assert.Equal("pause", await TextOf(browser, "document.activeElement.id"));
        await browser.PressAsync("Enter", Enter, "\r");
        Assert.Equal("true", await TextOf(browser, "document.getElementById('pause').getAttribute('aria-pressed')"));
        await browser.PressAsync("Enter", Enter, "\r");
        await PressAsync(browser, "Tab", Tab);
        await browser.PressAsync("Enter", Enter, "\r");
        Assert.Equal("Clear baseline", await TextOf(browser, "document.activeElement.textContent"));
        Assert.Contains("since the baseline", await TextOf(browser, "document.getElementById('resident-diff').textContent"), StringComparison.Ordinal);

        // Dark, and on a telephone: nothing sticks out.
        await browser.CallAsync("Emulation.setEmulatedMedia", new { features = new[] { new { name = "prefers-color-scheme", value = "dark" } } });
        await browser.CallAsync("Emulation.setDeviceMetricsOverride", new { width = 375, height = 800, deviceScaleFactor = 2, mobile = true });
        await browser.WaitForAsync("window.innerWidth === 375");
        Assert.InRange(await NumberOf(browser, "document.documentElement.scrollWidth"), 100, 375);
        await SaveAsync(browser, "page-dark-375.png");

        Assert.Empty(browser.Errors);
        Assert.NotEmpty(browser.Requests);
        Assert.All(browser.Requests, url => Assert.True(url.StartsWith(address, StringComparison.Ordinal) || url.StartsWith("data:", StringComparison.Ordinal), url));
        await app.StopAsync().WaitAsync(LivePageHost.Timeout);
    }

    [BrowserFact]
    public async Task Page_goes_on_after_answers_that_are_no_events_and_a_trim_that_has_none()
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { EnvironmentName = Environments.Development });
        builder.Logging.ClearProviders();
        builder.Services.AddNativeMm(options => options.CapacityBytes = 64 << 20);
        await using WebApplication app = builder.Build();
        app.Urls.Add("http://127.0.0.1:0");
        int refused = 0;
        app.Use(async (context, next) =>
        {
            if (context.Request.Path == "/nativemm/trim")
            {
                context.Abort();
            }
            else if (context.Request.Path == "/nativemm/events" && Interlocked.Increment(ref refused) <= 2)
            {
                // As a proxy does while the service starts anew.
                context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
            }
            else
            {
                await next(context);
            }
        });
        app.MapNativeMm();
        await app.StartAsync().WaitAsync(LivePageHost.Timeout);
        await using Browser browser = await Browser.StartAsync();
        await browser.CallAsync("Page.navigate", new { url = app.Urls.Single() + "/nativemm" });
        await browser.WaitForAsync("document.body && Number(document.body.dataset.updates) >= 1");
        Assert.InRange(refused, 3, int.MaxValue);

        // Paused, so that no event writes over the answer.
        await browser.EvaluateAsync("document.getElementById('pause').click()");
        await browser.EvaluateAsync("document.getElementById('trim').click()");
        await browser.WaitForAsync("document.getElementById('status').textContent === 'no connection; nothing was given back'");
        await app.StopAsync().WaitAsync(LivePageHost.Timeout);
    }

    private static unsafe void Fill(MemoryRuntime runtime)
    {
        var blocks = new nint[20_000];
        for (int i = 0; i < blocks.Length; i++)
        {
            blocks[i] = (nint)runtime.Heap.Alloc((nuint)(i % 4000) + 1);
        }

        runtime.Heap.FreeBulk(blocks.AsSpan(5000, 9000));
        runtime.Vmap.Alloc(1 << 20);
        Zsmalloc.ZsPool pool = runtime.CreateZsPool();
        for (int i = 0; i < 3000; i++)
        {
            pool.Alloc(50 + (i % 2000));
        }
    }

    private static Task PressAsync(Browser browser, string key, int code) => browser.PressAsync(key, code);

    private static async Task<string> TextOf(Browser browser, string expression) => (await browser.EvaluateAsync(expression)).GetString()!;

    private static async Task<double> NumberOf(Browser browser, string expression) => (await browser.EvaluateAsync(expression)).GetDouble();

    private static async Task SaveAsync(Browser browser, string name)
    {
        if (Environment.GetEnvironmentVariable("NATIVEMM_SCREENSHOTS") is { Length: > 0 } folder)
        {
            await browser.SaveScreenshotAsync(Path.Combine(folder, name));
        }
    }
}
