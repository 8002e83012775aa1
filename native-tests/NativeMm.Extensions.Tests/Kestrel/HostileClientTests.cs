using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using NativeMm.Buffers;
using Xunit;

namespace NativeMm.Extensions.Tests.Kestrel;

/// <summary>Clients that leave in the middle, drip, or never read, by every protocol: each block comes back, once.</summary>
[SuppressMessage("Design", "CA1001", Justification = "DisposeAsync of the test's lifetime does it.")]
public sealed class HostileClientTests : IAsyncLifetime
{
    private const string Owner = "kestrel";
    private static readonly TimeSpan s_timeout = TimeSpan.FromSeconds(120);

    private readonly NativeMemoryPoolFactory _factory = new(new BufferPoolOptions { Checked = true });
    private KestrelServer _server = null!;

    // A host that waits for clients who never go would wait for the whole of its time.
    public async Task InitializeAsync() => _server = await KestrelServer.StartAsync(
        _factory, services => services.Configure<HostOptions>(options => options.ShutdownTimeout = TimeSpan.FromSeconds(1)));

    public async Task DisposeAsync()
    {
        await _server.DisposeAsync();
        _factory.Dispose();
    }

    [Theory]
    [InlineData("h1")]
    [InlineData("h2")]
    [InlineData("h1s")]
    [InlineData("h2s")]
    public async Task Readers_that_leave_in_the_middle_leave_nothing_behind(string protocol)
    {
        using HttpClient client = _server.MakeClient(protocol);
        byte[] piece = new byte[50_000];
        for (int i = 0; i < 12; i++)
        {
            using HttpResponseMessage response = await client.GetAsync("/bytes/3000000", HttpCompletionOption.ResponseHeadersRead);
            Stream body = await response.Content.ReadAsStreamAsync();
            await body.ReadExactlyAsync(piece.AsMemory(0, i * 4000));
        }

        Assert.Equal(KestrelServer.Body(6000), await client.GetByteArrayAsync("/bytes/6000"));
        await AssertNothingIsLeft();
    }

    [Theory]
    [InlineData("h1")]
    [InlineData("h2")]
    [InlineData("h1s")]
    [InlineData("h2s")]
    public async Task Writers_that_leave_in_the_middle_leave_nothing_behind(string protocol)
    {
        using HttpClient client = _server.MakeClient(protocol);
        for (int i = 0; i < 12; i++)
        {
            using var content = new Dripping(count: i * 3, bytes: 5000, fails: true);
            await Assert.ThrowsAnyAsync<Exception>(() => client.PostAsync(i % 2 == 0 ? "/echo" : "/stream", content).WaitAsync(s_timeout));
        }

        Assert.Equal(KestrelServer.Body(6000), await client.GetByteArrayAsync("/bytes/6000"));
        await AssertNothingIsLeft();
    }

    [Theory]
    [InlineData("h1")]
    [InlineData("h2")]
    [InlineData("h1s")]
    [InlineData("h2s")]
    public async Task Writers_and_readers_that_drip_get_everything(string protocol)
    {
        using HttpClient client = _server.MakeClient(protocol);
        using var content = new Dripping(count: 400, bytes: 777, fails: false);
        using var request = new HttpRequestMessage(HttpMethod.Post, "/echo")
        {
            Content = content,
            Version = client.DefaultRequestVersion,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        using HttpResponseMessage response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        await using Stream body = await response.Content.ReadAsStreamAsync();
        using var got = new MemoryStream();
        byte[] piece = new byte[501];
        for (int read; (read = await body.ReadAsync(piece)) != 0;)
        {
            got.Write(piece, 0, read);
            await Task.Yield();
        }

        Assert.Equal(KestrelServer.Body(400 * 777), got.ToArray());
        await AssertNothingIsLeft();
    }

    /// <summary>Answers wait in the server's blocks when it stops: it cuts the clients off, and has its blocks.</summary>
    [Fact]
    public async Task Clients_that_never_read_are_cut_off_at_the_end()
    {
        using HttpClient address = _server.MakeClient("h1");
        Socket[] sockets = [.. Enumerable.Range(0, 8).Select(_ => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = 4096 })];
        foreach (Socket socket in sockets)
        {
            await socket.ConnectAsync(address.BaseAddress!.Host, address.BaseAddress.Port);
            await socket.SendAsync(Encoding.ASCII.GetBytes("GET /bytes/50000000 HTTP/1.1\r\nHost: x\r\n\r\n"));
        }

        // One byte of each: the answers are under way, and wait for somebody to read them.
        foreach (Socket socket in sockets)
        {
            Assert.Equal(1, await socket.ReceiveAsync(new byte[1]).WaitAsync(s_timeout));
        }

        Assert.True(_factory.GetStatistics()[Owner].RentsNow > 0);
        await AssertNothingIsLeft();
        Array.ForEach(sockets, socket => socket.Dispose());
    }

    private async Task AssertNothingIsLeft()
    {
        Assert.True(_factory.GetStatistics()[Owner].RentedBytes > 0);
        await _server.StopAsync();
        await _server.DisposeAsync();
        BufferPoolStatistics after = _factory.GetStatistics()[Owner];
        Assert.Equal(0, after.RentsNow);
        Assert.Equal(0, after.ExtraReturns);
        Assert.Equal(0, after.Forgotten);
        Assert.True(_factory.StoreOf(Owner).IsConsistent());
    }

    /// <summary>A body that comes piece by piece, and perhaps ends in a failure.</summary>
    private sealed class Dripping(int count, int bytes, bool fails) : HttpContent
    {
        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            byte[] all = KestrelServer.Body(count * bytes);
            for (int i = 0; i < count; i++)
            {
                await stream.WriteAsync(all.AsMemory(i * bytes, bytes));
                await stream.FlushAsync();
                await Task.Yield();
            }

            if (fails)
            {
                throw new IOException("The client is gone.");
            }
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
