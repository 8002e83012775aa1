using System.Buffers.Binary;
using NativeMm.Runtime;
using Xunit;

namespace NativeMm.Extensions.Tests.Caching.Tiers;

/// <summary>One writer a key, many readers, a tier that fails as it likes, and a cache that loses entries at any moment: nobody reads what is older than the last write that was done.</summary>
public sealed class TierHistoryTests
{
    private const int Keys = 16;
    private const int WritesEach = 400;
    private const int Readers = 4;

    private readonly FakeTier _tier = new();
    private readonly long[] _done = new long[Keys];
    private int _failuresInFour;

    [Fact]
    public async Task Nobody_reads_what_is_older_than_the_last_write_that_was_done()
    {
        _tier.Before = TroubleAsync;
        using var runtime = new MemoryRuntime(new MemoryRuntimeOptions { CapacityBytes = 64 << 20, BackgroundTrim = false });
        using var cache = new NativeDistributedCache(
            runtime,
            new NativeDistributedCacheOptions
            {
                SizeLimit = 4 << 20,
                MaxEntryBytes = 10_000,
                CircuitFailures = 3,
                CircuitDuration = TimeSpan.FromMilliseconds(20),
                LocalExpiration = TimeSpan.FromMilliseconds(2),

                // A call that is given up may be done later than a write after it: that is another story.
                SecondTierTimeout = TimeSpan.FromMinutes(1),
            },
            _tier);
        using var end = new CancellationTokenSource();
        Task[] others =
        [
            .. Enumerable.Range(0, Readers).Select(seed => Task.Run(() => ReadAsync(cache, seed, end.Token))),
            Task.Run(() => LoseAsync(cache, end.Token)),
        ];
        await Task.WhenAll(Enumerable.Range(0, Keys).Select(key => Task.Run(() => WriteAsync(cache, key)))).WaitAsync(TimeSpan.FromMinutes(5));
        await end.CancelAsync();
        await Task.WhenAll(others).WaitAsync(CacheFixture.Timeout);
    }

    private async Task TroubleAsync(string member, CancellationToken token)
    {
        await Task.Yield();
        if (Random.Shared.Next(4) < Volatile.Read(ref _failuresInFour))
        {
            throw new InvalidOperationException("down");
        }
    }

    private async Task WriteAsync(NativeDistributedCache cache, int key)
    {
        var random = new Random(key);
        for (long number = 1; number <= WritesEach; number++)
        {
            await (random.Next(5) switch
            {
                0 => cache.RemoveAsync($"{key}"),
                1 => cache.SetAsync($"{key}", Value(number, 20_000), new()),
                2 => cache.SetAsync($"{key}", Value(number, 20), new() { AbsoluteExpirationRelativeToNow = TimeSpan.FromMilliseconds(3) }),
                _ => cache.SetAsync($"{key}", Value(number, 20), new()),
            });
            Volatile.Write(ref _done[key], number);
            await Task.Yield();
        }
    }

    private async Task ReadAsync(NativeDistributedCache cache, int seed, CancellationToken end)
    {
        var random = new Random(1000 + seed);
        while (!end.IsCancellationRequested)
        {
            int key = random.Next(Keys);
            long before = Volatile.Read(ref _done[key]);
            if (await cache.GetAsync($"{key}", CancellationToken.None) is { } value)
            {
                Assert.InRange(BinaryPrimitives.ReadInt64LittleEndian(value), before, long.MaxValue);
            }

            await Task.Yield();
        }
    }

    private async Task LoseAsync(NativeDistributedCache cache, CancellationToken end)
    {
        var random = new Random(7);
        int[] rates = [0, 1, 4];
        while (!end.IsCancellationRequested)
        {
            Volatile.Write(ref _failuresInFour, rates[random.Next(rates.Length)]);
            cache.Trim(random.NextDouble());
            await Task.Delay(random.Next(10), CancellationToken.None);
        }
    }

    private static byte[] Value(long number, int length)
    {
        byte[] value = new byte[length];
        BinaryPrimitives.WriteInt64LittleEndian(value, number);
        return value;
    }
}
