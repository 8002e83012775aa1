using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using NativeMm.Buffers;

namespace NativeMm.Extensions;

/// <summary>Answers the requests of the live page.</summary>
/// <param name="feed">What it shows.</param>
internal sealed class LivePageHandlers(LivePageFeed feed)
{
    /// <summary>The header that the page's own script sends and another site's form cannot.</summary>
    private const string OwnHeader = "X-NativeMm";

    private static readonly Lazy<string> s_page = new(() => Load("page.html"));
    private static readonly Lazy<string> s_style = new(() => Load("page.css"));
    private static readonly Lazy<string> s_script = new(() => Load("page.js"));

    /// <summary>The page. It asks for nothing from any other host, and may not.</summary>
    public static Task PageAsync(HttpContext context)
    {
        context.Response.Headers.ContentSecurityPolicy =
            "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
        context.Response.Headers["Referrer-Policy"] = "no-referrer";

        // As it was asked for: with the prefix of the group that it is mapped in, and of what lies in front of the service.
        string root = context.Request.PathBase.Add(context.Request.Path).ToUriComponent().TrimEnd('/');
        return WriteAsync(context, "text/html; charset=utf-8", s_page.Value.Replace("{{base}}", System.Net.WebUtility.HtmlEncode(root), StringComparison.Ordinal));
    }

    /// <summary>Its style.</summary>
    public static Task StyleAsync(HttpContext context) => WriteAsync(context, "text/css; charset=utf-8", s_style.Value);

    /// <summary>Its script.</summary>
    public static Task ScriptAsync(HttpContext context) => WriteAsync(context, "text/javascript; charset=utf-8", s_script.Value);

    /// <summary>The state as JSON.</summary>
    public async Task DataAsync(HttpContext context)
    {
        Prepare(context, "application/json; charset=utf-8");
        await context.Response.Body.WriteAsync(feed.Current(), context.RequestAborted);
    }

    /// <summary>The state as server-sent events, once a second, until the client goes away or the host stops.</summary>
    public async Task EventsAsync(HttpContext context)
    {
        IHostApplicationLifetime? lifetime = context.RequestServices.GetService<IHostApplicationLifetime>();
        using var end = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, lifetime?.ApplicationStopping ?? default);
        Prepare(context, "text/event-stream; charset=utf-8");
        using var timer = new PeriodicTimer(LivePageFeed.Interval, feed.Time);
        try
        {
            do
            {
                await context.Response.Body.WriteAsync("data: "u8.ToArray(), end.Token);
                await context.Response.Body.WriteAsync(feed.Current(), end.Token);
                await context.Response.Body.WriteAsync("\n\n"u8.ToArray(), end.Token);
                await context.Response.Body.FlushAsync(end.Token);
            }
            while (await timer.WaitForNextTickAsync(end.Token));
        }
        catch (OperationCanceledException)
        {
            // Whoever looked has gone, or the host goes; the browser asks again.
        }
        catch (ObjectDisposedException)
        {
            // The runtime ended beneath the page: there is nothing more to show.
        }
    }

    /// <summary>A text in the shape of one of the kernel's files.</summary>
    public Task TextAsync(HttpContext context)
    {
        string? text = LivePageTexts.Make((string)context.Request.RouteValues["name"]!, feed.Runtimes());
        if (text is null)
        {
            context.Response.StatusCode = StatusCodes.Status404NotFound;
            return Task.CompletedTask;
        }

        return WriteAsync(context, "text/plain; charset=utf-8", text);
    }

    /// <summary>The allocation profile of the service's runtime, for pprof.</summary>
    public async Task ProfileAsync(HttpContext context)
    {
        if (!feed.HasProfile)
        {
            context.Response.StatusCode = StatusCodes.Status404NotFound;
            await WriteAsync(context, "text/plain; charset=utf-8", "The runtime keeps no profile: set NativeMm:HeapProfile.\n");
            return;
        }

        using var profile = new NativeMemoryStream();
        feed.WriteProfile(profile);
        Prepare(context, "application/octet-stream");
        context.Response.Headers.ContentDisposition = "attachment; filename=\"nativemm.pb.gz\"";
        profile.Position = 0;
        await profile.CopyToAsync(context.Response.Body, context.RequestAborted);
    }

    /// <summary>Gives everything idle back, on the page's own request only.</summary>
    public Task TrimAsync(HttpContext context)
    {
        if (!context.Request.Headers.ContainsKey(OwnHeader))
        {
            context.Response.StatusCode = StatusCodes.Status400BadRequest;
            return Task.CompletedTask;
        }

        return WriteAsync(context, "application/json; charset=utf-8", FormattableString.Invariant($"{{\"returned\":{feed.Trim()}}}"));
    }

    /// <summary>Answers with a text that nobody keeps.</summary>
    public static async Task WriteAsync(HttpContext context, string type, string text)
    {
        Prepare(context, type);
        await context.Response.Body.WriteAsync(Encoding.UTF8.GetBytes(text), context.RequestAborted);
    }

    private static void Prepare(HttpContext context, string type)
    {
        context.Response.ContentType = type;
        context.Response.Headers.CacheControl = "no-store";
        context.Response.Headers.XContentTypeOptions = "nosniff";
    }

    private static string Load(string name)
    {
        using Stream resource = typeof(LivePageHandlers).Assembly.GetManifestResourceStream("NativeMm.Extensions.LivePage." + name)
            ?? throw new InvalidOperationException($"The resource {name} is missing.");
        using var reader = new StreamReader(resource, Encoding.UTF8);
        return reader.ReadToEnd();
    }
}
