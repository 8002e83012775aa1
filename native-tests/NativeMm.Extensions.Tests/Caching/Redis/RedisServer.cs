using System.Diagnostics;
using System.Net.Sockets;
using Microsoft.Extensions.Caching.StackExchangeRedis;
using StackExchange.Redis;

namespace NativeMm.Extensions.Tests.Caching.Redis;

/// <summary>A real server on a socket in a folder of its own: no port that somebody else could have, nothing that stays.</summary>
internal sealed class RedisServer : IAsyncDisposable
{
    /// <summary>The variable that says where a <c>garnet-server</c> is that is not in the path.</summary>
    public const string GarnetVariable = "NATIVEMM_GARNET";

    private readonly string _folder = Directory.CreateTempSubdirectory("nativemm-redis-").FullName;
    private Process? _process;

    private readonly bool _isGarnet;

    private RedisServer(bool isGarnet) => _isGarnet = isGarnet;

    /// <summary>Where it is; null where there is none.</summary>
    public static string? Path { get; } = ((string[])["/usr/bin/redis-server", "/usr/local/bin/redis-server"]).FirstOrDefault(File.Exists);

    /// <summary>Where a Garnet is; null where there is none.</summary>
    public static string? GarnetPath { get; } =
        new[] { Environment.GetEnvironmentVariable(GarnetVariable) }
            .Concat((Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Select(folder => System.IO.Path.Combine(folder, "garnet-server")))
            .FirstOrDefault(File.Exists);

    private string Socket => System.IO.Path.Combine(_folder, "redis.sock");

    public static async Task<RedisServer> StartAsync(bool isGarnet = false)
    {
        var server = new RedisServer(isGarnet);
        await server.BeginAsync();
        return server;
    }

    /// <summary>Starts it, empty, at the same place.</summary>
    public async Task BeginAsync()
    {
        File.Delete(Socket);

        // The shell's timeout ends it also where the tests are killed.
        var start = new ProcessStartInfo("timeout") { RedirectStandardOutput = true, WorkingDirectory = _folder };
        string[] command = _isGarnet
            ? [GarnetPath!, "--port", "0", "--unixsocket", Socket, "--lua", "--memory", "64m", "--index", "1m", "--logger-level", "Information"]
            : [Path!, "--port", "0", "--unixsocket", Socket, "--save", "", "--appendonly", "no", "--dir", _folder];
        foreach (string argument in (string[])["-s", "KILL", "120", .. command])
        {
            start.ArgumentList.Add(argument);
        }

        _process = Process.Start(start)!;
        while (await _process.StandardOutput.ReadLineAsync().WaitAsync(CacheFixture.Timeout) is { } line)
        {
            // The two say it with and without a capital.
            if (line.Contains("eady to accept connections", StringComparison.Ordinal))
            {
                _ = _process.StandardOutput.ReadToEndAsync();
                return;
            }
        }

        throw new InvalidOperationException("The server ended.");
    }

    /// <summary>Ends it as a power failure does.</summary>
    public async Task KillAsync()
    {
        if (_process is { } process)
        {
            _process = null;
            process.Kill(entireProcessTree: true);
            await process.WaitForExitAsync().WaitAsync(CacheFixture.Timeout);
            process.Dispose();
        }
    }

    /// <summary>A client of the framework.</summary>
    public RedisCache MakeCache() => new(new RedisCacheOptions { ConfigurationOptions = Configuration() });

    /// <summary>A connection, to look at what is there and to damage it.</summary>
    public Task<ConnectionMultiplexer> ConnectAsync() => ConnectionMultiplexer.ConnectAsync(Configuration());

    public ConfigurationOptions Configuration() => new()
    {
        EndPoints = { new UnixDomainSocketEndPoint(Socket) },
        AbortOnConnectFail = false,
        AllowAdmin = true,
        ConnectRetry = 1,
        ReconnectRetryPolicy = new LinearRetry(50),
    };

    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        Directory.Delete(_folder, recursive: true);
    }
}
