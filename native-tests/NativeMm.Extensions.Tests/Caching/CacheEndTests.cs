using System.Buffers;
using Microsoft.Extensions.Caching.Distributed;
using NativeMm.Buffers;
using Xunit;

namespace NativeMm.Extensions.Tests.Caching;

/// <summary>The end of a cache beside its readers, as when a host stops under load.</summary>
public sealed class CacheEndTests
{
    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    public async Task End_waits_for_a_writer_that_takes_its_time(bool tiered, bool compressed)
    {
        using var fixture = new CacheFixture(tiered ? new Tiers.FakeTier() : null, options => options.Codec = compressed ? PageCodecs.Brotli : null);
        fixture.Cache.Set("key", new byte[20_000], new());
        using var writer = new SlowWriter();
        Task<bool> read = Task.Run(() => fixture.Cache.TryGet("key", writer));
        Assert.True(writer.Arrived.Wait(CacheFixture.Timeout));
        Task end = Task.Run(fixture.Cache.Dispose);
        Assert.NotSame(end, await Task.WhenAny(end, Task.Delay(50)));
        writer.GoOn.Set();
        Assert.True(await read.WaitAsync(CacheFixture.Timeout));
        await end.WaitAsync(CacheFixture.Timeout);
        Assert.Equal(20_000, writer.Written);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task End_beside_readers_never_fails(bool tiered)
    {
        for (int round = 0; round < 20; round++)
        {
            using var fixture = new CacheFixture(tiered ? new Tiers.FakeTier() : null);
            NativeDistributedCache cache = fixture.Cache;
            cache.Set("key", new byte[100_000], new());
            int done = 0;
            Task[] readers = [.. Enumerable.Range(0, 4).Select(_ => Task.Run(() =>
            {
                try
                {
                    while (true)
                    {
                        Assert.Equal(100_000, cache.Get("key")!.Length);
                        Interlocked.Increment(ref done);
                    }
                }
                catch (ObjectDisposedException)
                {
                }
            }))];
            await Tiers.SecondTierTests.Until(() => Volatile.Read(ref done) > 10);
            cache.Dispose();
            await Task.WhenAll(readers).WaitAsync(CacheFixture.Timeout);
        }
    }

    [Fact]
    public void End_from_inside_of_a_writer_is_refused_and_the_cache_stays()
    {
        using var fixture = new CacheFixture(new Tiers.FakeTier());
        fixture.Cache.Set("key", [1, 2, 3], new());
        var writer = new ActingWriter(fixture.Cache.Dispose);
        Assert.Throws<InvalidOperationException>(() => fixture.Cache.TryGet("key", writer));
        Assert.Equal([1, 2, 3], fixture.Cache.Get("key"));
    }

    private sealed class SlowWriter : IBufferWriter<byte>, IDisposable
    {
        private readonly byte[] _bytes = new byte[100_000];

        public ManualResetEventSlim Arrived { get; } = new();

        public ManualResetEventSlim GoOn { get; } = new();

        public int Written { get; private set; }

        public void Advance(int count) => Written += count;

        public Memory<byte> GetMemory(int sizeHint = 0)
        {
            Arrived.Set();
            GoOn.Wait(CacheFixture.Timeout);
            return _bytes;
        }

        public Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;

        public void Dispose()
        {
            Arrived.Dispose();
            GoOn.Dispose();
        }
    }

    private sealed class ActingWriter(Action act) : IBufferWriter<byte>
    {
        public void Advance(int count)
        {
        }

        public Memory<byte> GetMemory(int sizeHint = 0)
        {
            act();
            return new byte[100];
        }

        public Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;
    }
}
