using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using NativeMm.Buffers;
using NativeMm.Caching;
using NativeMm.Runtime;

namespace NativeMm.Extensions.Tests.Docs;

/// <summary>The code of docs/services.md, to be compiled. Its lines are compared with those of the document.</summary>
internal static class ServiceExample
{
    public static void Run(string[] args)
    {
        WebApplicationBuilder builder = WebApplication.CreateBuilder(args);
        builder.Services.AddNativeMm(options => options.TotalMemoryLimit = MemoryLimit.FromShare(0.9))
            .AddKestrelPool();
        builder.Services.AddHealthChecks().AddNativeMm();
        WebApplication app = builder.Build();
        app.MapHealthChecks("/health");
        app.MapNativeMm("/nativemm").RequireAuthorization();
        app.MapGet("/memory", (MemoryRuntime runtime) => runtime.GetStatistics().InUseBytes);
        app.Run();
    }

    public static void Caches(WebApplicationBuilder builder)
    {
        builder.Services.AddNativeMmDistributedCache(options => options.SizeLimit = 4L << 30);
        builder.Services.AddHybridCache();
        builder.Services.AddStackExchangeRedisCache(options => options.Configuration = "localhost");
        builder.Services.AddNativeMmDistributedCache().WithRegisteredSecondTier();
    }

    public static void OutputCaching(WebApplicationBuilder builder)
    {
        builder.Services.AddNativeMmOutputCache(options => options.SizeLimit = 1L << 30);
        builder.Services.AddOutputCache(options => options.AddBasePolicy(policy => policy.Tag("all")));
    }

    public static void SeveralCaches(WebApplicationBuilder builder)
    {
        builder.Services.AddKeyedSingleton<IDistributedCache>("pages", (services, _) => new NativeDistributedCache(
            services.GetRequiredService<MemoryRuntime>(), new NativeDistributedCacheOptions { Name = "pages", SizeLimit = 1L << 30 }));
    }

    public static void CacheOfBytes(WebApplicationBuilder builder)
    {
        builder.Services.AddNativeMm();
        builder.Services.AddSingleton(services => new NativeCache(
            services.GetRequiredService<MemoryRuntime>(),
            new NativeCacheOptions
            {
                Name = "thumbnails",
                SizeLimit = builder.Configuration.GetValue("Thumbnails:SizeLimit", 64L << 20),
                DefaultExpiration = builder.Configuration.GetValue<TimeSpan?>("Thumbnails:DefaultExpiration"),
            }));
    }

    public static byte[] Content()
    {
        using var stream = new NativeMemoryStream();
        using (var writer = new StreamWriter(stream, leaveOpen: true))
        {
            writer.Write("all of it");
        }

        byte[] content = stream.ToArray();
        return content;
    }
}
