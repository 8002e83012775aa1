using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Net.Sockets;
using System.Text;
using Microsoft.AspNetCore.Connections;
using NativeMm.Buffers;
using NativeMm.Platform;
using Xunit;

namespace NativeMm.Extensions.Tests.Kestrel;

/// <summary>A real server with the pool: bodies of one, two and a hundred segments both ways, readers that are slow, and clients that go away.</summary>
[SuppressMessage("Design", "CA1001", Justification = "DisposeAsync of the test's lifetime does it.")]
public sealed class KestrelPoolTests : IAsyncLifetime
{
    private const string Owner = "kestrel";
    private static readonly TimeSpan s_timeout = TimeSpan.FromSeconds(60);

    // In checked mode, so that a segment that the server returns twice, or writes after its return, is named.
    private readonly NativeMemoryPoolFactory _factory = new(new BufferPoolOptions { Checked = true });
    private KestrelServer _server = null!;

    public async Task InitializeAsync() => _server = await KestrelServer.StartAsync(_factory);

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
    public async Task Bodies_of_any_number_of_segments_arrive_whole_both_ways(string protocol)
    {
        using HttpClient client = _server.MakeClient(protocol);
        foreach (int count in (int[])[0, 1, 3000, 4096, 6000, 8192, 65_536, 409_600, 1_200_003])
        {
            byte[] expected = KestrelServer.Body(count);
            Assert.Equal(expected, await client.GetByteArrayAsync($"/bytes/{count}"));
            using HttpResponseMessage echoed = await client.PostAsync("/echo", new ByteArrayContent(expected));
            Assert.Equal(expected, await echoed.Content.ReadAsByteArrayAsync());
        }

        await AssertNothingIsLeft();
    }

    [Theory]
    [InlineData("h1")]
    [InlineData("h2s")]
    public async Task Requests_at_once_do_not_mix_their_bodies(string protocol)
    {
        using HttpClient client = _server.MakeClient(protocol);
        await Parallel.ForEachAsync(Enumerable.Range(1, 200), new ParallelOptions { MaxDegreeOfParallelism = 16 }, async (i, stop) =>
        {
            byte[] body = KestrelServer.Body(i * 977);
            using HttpResponseMessage echoed = await client.PostAsync("/echo", new ByteArrayContent(body), stop);
            Assert.Equal(body, await echoed.Content.ReadAsByteArrayAsync(stop));
        }).WaitAsync(s_timeout);
        await AssertNothingIsLeft();
    }

    [Theory]
    [InlineData("h1")]
    [InlineData("h2")]
    public async Task Slow_reader_gets_everything(string protocol)
    {
        const int Count = 2_000_000;
        using HttpClient client = _server.MakeClient(protocol);
        using HttpResponseMessage response = await client.GetAsync($"/bytes/{Count}", HttpCompletionOption.ResponseHeadersRead);
        await using Stream body = await response.Content.ReadAsStreamAsync();
        byte[] piece = new byte[5000];
        long position = 0;
        for (int read; (read = await body.ReadAsync(piece)) != 0;)
        {
            for (int i = 0; i < read; i++)
            {
                Assert.Equal(KestrelServer.ByteAt(position++), piece[i]);
            }

            await Task.Yield();
        }

        Assert.Equal(Count, position);
        await AssertNothingIsLeft();
    }

    [Fact]
    public async Task Clients_that_go_away_leave_nothing_behind()
    {
        using HttpClient client = _server.MakeClient("h1");
        for (int i = 0; i < 10; i++)
        {
            using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { LingerState = new LingerOption(true, 0) };
            await socket.ConnectAsync(client.BaseAddress!.Host, client.BaseAddress.Port);
            await socket.SendAsync(Encoding.ASCII.GetBytes("POST /stream HTTP/1.1\r\nHost: x\r\nContent-Length: 5000000\r\n\r\n"));
            await socket.SendAsync(KestrelServer.Body(100_000 + i));
            await socket.ReceiveAsync(new byte[1000]);
            socket.Close(0);
        }

        Assert.Equal(KestrelServer.Body(6000), await client.GetByteArrayAsync("/bytes/6000"));
        await AssertNothingIsLeft();
    }

    /// <summary>The control: with blocks of native memory the socket sender finds no arrays, and resets the connection.</summary>
    [Fact]
    public async Task Native_blocks_would_fail_with_more_than_one_segment()
    {
        await using KestrelServer server = await KestrelServer.StartAsync(new NativeBlocks());
        using HttpClient client = server.MakeClient("h1");
        Assert.Equal(KestrelServer.Body(1000), await client.GetByteArrayAsync("/bytes/1000"));
        await Assert.ThrowsAnyAsync<HttpRequestException>(() => client.GetByteArrayAsync("/bytes/65536"));
    }

    /// <summary>What counts as evicted is what the system took, so no collection has a part in it.</summary>
    [Fact]
    public async Task Idle_server_has_given_nine_tenths_back_within_15_seconds()
    {
        var time = new Microsoft.Extensions.Time.Testing.FakeTimeProvider();
        using var factory = new NativeMemoryPoolFactory(new BufferPoolOptions(), meters: null, time, SystemPlatform.Current);
        await using KestrelServer server = await KestrelServer.StartAsync(factory);
        using HttpClient client = server.MakeClient("h1");
        await Parallel.ForEachAsync(Enumerable.Range(0, 32), new ParallelOptions { MaxDegreeOfParallelism = 32 }, async (_, stop) =>
        {
            using HttpResponseMessage echoed = await client.PostAsync("/echo", new ByteArrayContent(KestrelServer.Body(500_000)), stop);
            await echoed.Content.ReadAsByteArrayAsync(stop);
        }).WaitAsync(s_timeout);
        BufferPoolStatistics loaded = factory.GetStatistics()[Owner];
        for (int second = 0; second < 15; second++)
        {
            time.Advance(TimeSpan.FromSeconds(1));
        }

        BufferPoolStatistics idle = factory.GetStatistics()[Owner];
        Assert.InRange(loaded.PooledBytes + loaded.RentedNowBytes, 1 << 20, 1 << 30);
        Assert.InRange(idle.PooledBytes, 0, (loaded.PooledBytes + loaded.RentedNowBytes) / 10);
        Assert.InRange(idle.EvictedBytes, (loaded.PooledBytes + loaded.RentedNowBytes) / 2, long.MaxValue);
        Assert.Equal(KestrelServer.Body(6000), await client.GetByteArrayAsync("/bytes/6000"));
    }

    /// <summary>Stops the server: then every block must be back, none twice.</summary>
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

    private sealed class NativeBlocks : IMemoryPoolFactory<byte>
    {
        public MemoryPool<byte> Create(MemoryPoolOptions? options = null) => new Pool();

        private sealed class Pool : MemoryPool<byte>
        {
            public override int MaxBufferSize => 4096;

            public override IMemoryOwner<byte> Rent(int minBufferSize = -1) => NativeMemoryPool.Default.Rent(4096);

            protected override void Dispose(bool disposing)
            {
            }
        }
    }
}
