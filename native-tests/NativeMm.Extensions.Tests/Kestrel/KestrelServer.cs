using System.Buffers;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace NativeMm.Extensions.Tests.Kestrel;

/// <summary>A real server on the loopback address with a pool of ours: one port a protocol.</summary>
internal sealed class KestrelServer : IAsyncDisposable
{
    private const string Subject = "CN=localhost";
    private static readonly TimeSpan s_timeout = TimeSpan.FromSeconds(60);
    private readonly WebApplication _app;
    private readonly Uri[] _addresses;

    private KestrelServer(WebApplication app)
    {
        _app = app;
        _addresses = [.. app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Select(address => new Uri(address))];
    }

    public IServiceProvider Services => _app.Services;

    /// <summary>Starts a server that answers <c>/bytes/{count}</c> with so many bytes in segments of 4 KiB, <c>/echo</c> with what it was
    /// sent when all of it is there, and <c>/stream</c> with the same piece by piece.</summary>
    public static async Task<KestrelServer> StartAsync(IMemoryPoolFactory<byte>? factory, Action<IServiceCollection>? configure = null)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        if (factory is not null)
        {
            builder.Services.AddSingleton(factory);
        }

        configure?.Invoke(builder.Services);
        builder.WebHost.UseKestrelHttpsConfiguration().ConfigureKestrel(options =>
        {
            options.Limits.MinResponseDataRate = null;
            options.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http1);
            options.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http2);
            options.Listen(IPAddress.Loopback, 0, listen => listen.UseHttps(MakeCertificate()).Protocols = HttpProtocols.Http1AndHttp2);
        });
        WebApplication app = builder.Build();
        app.MapGet("/bytes/{count:int}", WriteAsync);
        app.MapPost("/echo", EchoAsync);
        app.MapPost("/stream", context => context.Request.Body.CopyToAsync(context.Response.Body, context.RequestAborted));
        await app.StartAsync().WaitAsync(s_timeout);
        return new KestrelServer(app);
    }

    /// <summary>A client of one protocol.</summary>
    /// <param name="protocol">h1, h2, or the same over TLS: h1s, h2s.</param>
    public HttpClient MakeClient(string protocol)
    {
        Version version = protocol[1] == '1' ? HttpVersion.Version11 : HttpVersion.Version20;
        Uri address = protocol.EndsWith('s') ? _addresses[2] : _addresses[protocol[1] - '1'];
        var handler = new SocketsHttpHandler { EnableMultipleHttp2Connections = true };
        handler.SslOptions.RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate?.Subject == Subject;
        return new HttpClient(handler)
        {
            BaseAddress = address,
            DefaultRequestVersion = version,
            DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Timeout = s_timeout,
        };
    }

    /// <summary>The n-th byte of any body.</summary>
    public static byte ByteAt(long position) => (byte)((position * 31) ^ (position >> 8));

    public static byte[] Body(int count) => [.. Enumerable.Range(0, count).Select(i => ByteAt(i))];

    /// <summary>Stops as a host does.</summary>
    public Task StopAsync() => _app.StopAsync().WaitAsync(s_timeout);

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    /// <summary>A client of HTTP/2 may read nothing before it has sent everything: answering meanwhile could wait for ever.</summary>
    private static async Task EchoAsync(HttpContext context)
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body, context.RequestAborted);
        await context.Response.Body.WriteAsync(body.GetBuffer().AsMemory(0, (int)body.Length), context.RequestAborted);
    }

    private static async Task WriteAsync(HttpContext context, int count)
    {
        context.Response.ContentLength = count;
        for (int written = 0; written < count;)
        {
            Memory<byte> memory = context.Response.BodyWriter.GetMemory(1);
            int length = int.Min(memory.Length, count - written);
            for (int i = 0; i < length; i++)
            {
                memory.Span[i] = ByteAt(written + i);
            }

            context.Response.BodyWriter.Advance(length);
            written += length;
        }

        await context.Response.BodyWriter.FlushAsync(context.RequestAborted);
    }

    private static X509Certificate2 MakeCertificate()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(Subject, key, HashAlgorithmName.SHA256);
        return request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
    }
}
