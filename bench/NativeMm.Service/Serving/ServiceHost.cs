using System.Globalization;
using System.IO.Pipelines;
using System.Net;
using Microsoft.Extensions.Caching.Hybrid;
using Microsoft.Extensions.Caching.Memory;
using NativeMm.Buffers;
using NativeMm.Caching;
using NativeMm.Runtime;

namespace NativeMm.Service.Serving;

/// <summary>The service: GET, PUT and DELETE of <c>/values/KEY</c>, the same code for every store.</summary>
internal static class ServiceHost
{
    private const int ValueBytesMax = 1 << 20;
    private static readonly TimeSpan s_lifeMax = TimeSpan.FromMinutes(30);

    /// <summary>Serves on a free port of the loopback address until the standard input ends, and half an hour at most.</summary>
    /// <param name="kind">The store.</param>
    /// <param name="limitBytes">What it may hold.</param>
    public static async Task RunAsync(StoreKind kind, long limitBytes)
    {
        using var pauses = new PauseListener();
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(options =>
        {
            // A connection says nothing for minutes while others fill the cache.
            options.Limits.KeepAliveTimeout = s_lifeMax;
            options.Listen(IPAddress.Loopback, 0);
        });
        AddStore(builder.Services, kind, limitBytes);
        await using WebApplication app = builder.Build();
        IValueStore store = app.Services.GetRequiredService<IValueStore>();
        var window = new CollectorWindow(pauses);
        app.MapGet("/values/{key}", (HttpContext context) => GetAsync(context, store));
        app.MapPut("/values/{key}", (HttpContext context) => PutAsync(context, store));
        app.MapDelete("/values/{key}", (HttpContext context) => DeleteAsync(context, store));
        app.MapPost("/window", window.Begin);
        app.MapGet("/window", () => Results.Text(window.Read().ToJsonString(), "application/json"));
        await app.StartAsync();
        int port = new Uri(app.Urls.Single()).Port;
        await Console.Out.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"{{\"listening\":{port}}}"));
        Task<string> input = Console.In.ReadToEndAsync();
        await Task.WhenAny(input, Task.Delay(s_lifeMax));
        await app.StopAsync();
    }

    private static void AddStore(IServiceCollection services, StoreKind kind, long limitBytes)
    {
        switch (kind)
        {
            case StoreKind.Managed:
                services.AddMemoryCache(options => options.SizeLimit = limitBytes);
                services.AddSingleton<IValueStore>(provider => new ManagedStore(provider.GetRequiredService<IMemoryCache>()));
                break;
            case StoreKind.Hybrid:
                services.AddMemoryCache(options => options.SizeLimit = limitBytes);
                services.AddHybridCache(options => options.MaximumPayloadBytes = ValueBytesMax);
                services.AddSingleton<IValueStore>(provider => new HybridStore(provider.GetRequiredService<HybridCache>()));
                break;
            default:
                services.AddNativeMm(options => options.CapacityBytes = ulong.Max(256UL << 20, (ulong)limitBytes + ((ulong)limitBytes / 4))).AddKestrelPool();
                services.AddSingleton(provider => new NativeCache(
                    provider.GetRequiredService<MemoryRuntime>(),
                    new NativeCacheOptions { SizeLimit = limitBytes, Codec = PageCodecs.Lz4, CompressFromBytes = 1024 }));
                services.AddSingleton<IValueStore>(provider => new NativeStore(provider.GetRequiredService<NativeCache>()));
                break;
        }
    }

    private static string KeyOf(HttpContext context) => (string)context.Request.RouteValues["key"]!;

    private static async Task GetAsync(HttpContext context, IValueStore store)
    {
        if (await store.WriteAsync(KeyOf(context), context.Response))
        {
            await context.Response.BodyWriter.FlushAsync();
        }
        else
        {
            context.Response.StatusCode = StatusCodes.Status404NotFound;
        }
    }

    private static async Task PutAsync(HttpContext context, IValueStore store)
    {
        if (context.Request.ContentLength is not (>= 0 and <= ValueBytesMax))
        {
            context.Response.StatusCode = StatusCodes.Status400BadRequest;
            return;
        }

        PipeReader body = context.Request.BodyReader;
        int length = (int)context.Request.ContentLength.Value;
        ReadResult read = await body.ReadAtLeastAsync(length);
        await store.SetAsync(KeyOf(context), read.Buffer.Slice(0, length));
        body.AdvanceTo(read.Buffer.End);
        context.Response.StatusCode = StatusCodes.Status204NoContent;
    }

    private static async Task DeleteAsync(HttpContext context, IValueStore store)
    {
        await store.RemoveAsync(KeyOf(context));
        context.Response.StatusCode = StatusCodes.Status204NoContent;
    }
}
