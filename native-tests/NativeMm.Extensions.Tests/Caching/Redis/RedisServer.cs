using System.Diagnostics;
using System.Net.Sockets;
using Microsoft.Extensions.Caching.StackExchangeRedis;
using StackExchange.Redis;

namespace NativeMm.Extensions.Tests.Caching.Redis;

/// <summary>A real server on a socket in a folder of its own: no port that somebody else could have, nothing that stays.</summary>
internal sealed class RedisServer : IAsyncDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("nativemm-redis-").FullName;
    private Process? _process;

    private RedisServer()
    {
    }

    /// <summary>Where it is; null where there is none.</summary>
    public static string? Path { get; } = ((string[])["/usr/bin/redis-server", "/usr/local/bin/redis-server"]).FirstOrDefault(File.Exists);

    private string Socket => System.IO.Path.Combine(_folder, "redis.sock");

    public static async Task<RedisServer> StartAsync()
    {
        var server = new RedisServer();
        await server.BeginAsync();
        return server;
    }

    /// <summary>Starts it, empty, at the same place.</summary>
    public async Task BeginAsync()
    {
        // The shell's timeout ends it also where the tests are killed.
        var start = new ProcessStartInfo("timeout") { RedirectStandardOutput = true };
        foreach (string argument in (string[])["-s", "KILL", "120", Path!, "--port", "0", "--unixsocket", Socket, "--save", "", "--appendonly", "no", "--dir", _folder])
        {
            start.ArgumentList.Add(argument);
        }

        _process = Process.Start(start)!;
        while (await _process.StandardOutput.ReadLineAsync().WaitAsync(CacheFixture.Timeout) is { } line)
        {
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
