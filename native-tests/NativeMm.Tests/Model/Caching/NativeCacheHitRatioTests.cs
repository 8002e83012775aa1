using NativeMm.Caching;
using NativeMm.Eviction;
using NativeMm.Runtime;
using NativeMm.Tests.Model.Eviction;
using Xunit;

namespace NativeMm.Tests.Model.Caching;

/// <summary>The cache keeps what its policy says, and remembers what left: its hit ratio is that of the policy by itself.</summary>
public sealed class NativeCacheHitRatioTests
{
    private const int ValueBytes = 900;
    private const double PointsMax = 6;

    [Theory]
    [InlineData("loop")]
    [InlineData("zipf and a scan")]
    [InlineData("loop after others")]
    public void Hit_ratio_is_that_of_the_policy(string kind)
    {
        using var runtime = new MemoryRuntime(new MemoryRuntimeOptions { CapacityBytes = 64 << 20, BackgroundTrim = false });
        using var cache = new NativeCache(runtime, new NativeCacheOptions { SizeLimit = 4 << 20 });
        int capacity = Fill(cache);
        using var alone = new CacheSimulation<ReuseClockPolicy>(capacity, insertUses: false, boundedHistory: true);
        foreach (long key in AccessTraces.Loop(capacity, 1, first: -2 * capacity))
        {
            alone.Use(key);
        }

        (int hits, int requests) = (0, 0);
        long before = alone.Hits;
        foreach (long key in Trace(kind, capacity))
        {
            requests++;
            hits += Use(cache, key) ? 1 : 0;
            alone.Use(key);
        }

        double ratio = 100.0 * hits / requests;
        double expected = 100.0 * (alone.Hits - before) / requests;
        Assert.InRange(ratio, expected - PointsMax, 100);
    }

    [Fact]
    public void A_loop_over_twice_as_much_as_fits_hits()
    {
        using var runtime = new MemoryRuntime(new MemoryRuntimeOptions { CapacityBytes = 64 << 20, BackgroundTrim = false });
        using var cache = new NativeCache(runtime, new NativeCacheOptions { SizeLimit = 4 << 20 });
        int capacity = Fill(cache);
        int hits = AccessTraces.Loop(2 * capacity, 20).Count(key => Use(cache, key));

        // LRU, CLOCK and whoever forgets what left have none.
        Assert.InRange(100.0 * hits / (40 * capacity), 35, 50);
    }

    /// <summary>
    /// Small values until half time, then ones of another length: one turnover of bytes later the cache hits as often as one that never had the first ones. The mean of several pairs of caches: each has
    /// hashes of its own, by which one pair differs from another by a fifth of a point.
    /// </summary>
    [Theory]
    [InlineData(100, 5_000)]
    [InlineData(5_000, 100)]
    [InlineData(300, 350)]
    public void Sizes_that_shift_at_half_time_cost_no_hits_after_one_turnover(int first, int then)
    {
        const int Pairs = 4;
        Assert.InRange(Enumerable.Range(0, Pairs).Sum(_ => LostByShift(first, then)) / Pairs, -100, 3);
    }

    /// <summary>By how many points fewer of the requests hit in a cache whose values had another length before.</summary>
    private static double LostByShift(int first, int then)
    {
        const long Limit = 4 << 20;
        using var runtime = new MemoryRuntime(new MemoryRuntimeOptions { CapacityBytes = 64 << 20, BackgroundTrim = false });
        using var shifted = new NativeCache(runtime, new NativeCacheOptions { SizeLimit = Limit });
        using var fresh = new NativeCache(runtime, new NativeCacheOptions { SizeLimit = Limit });
        int keys = (int)(4 * Limit / first);
        foreach (long key in AccessTraces.Zipf(keys, 4 * keys, seed: 3, first: 1 << 30))
        {
            Use(shifted, key, first);
        }

        keys = (int)(4 * Limit / then);
        (int hitsShifted, int hitsFresh, int requests) = (0, 0, 0);
        long written = 0;
        foreach (long key in AccessTraces.Zipf(keys, 12 * keys, seed: 4))
        {
            bool hit = Use(shifted, key, then);
            bool hitFresh = Use(fresh, key, then);
            written += hit ? 0 : then;
            if (written > Limit)
            {
                requests++;
                hitsShifted += hit ? 1 : 0;
                hitsFresh += hitFresh ? 1 : 0;
            }
        }

        Assert.InRange(requests, keys, int.MaxValue);
        return 100.0 * (hitsFresh - hitsShifted) / requests;
    }

    private static IEnumerable<long> Trace(string kind, int capacity) => kind switch
    {
        "loop" => AccessTraces.Loop(2 * capacity, 20),
        "zipf and a scan" => AccessTraces.WithScan(AccessTraces.Zipf(4 * capacity, 30 * capacity, seed: 1), 1 << 30),
        _ => AccessTraces.Zipf(4 * capacity, 10 * capacity, seed: 2, first: 1 << 20).Concat(AccessTraces.Loop(2 * capacity, 20)),
    };

    /// <summary>Fills the cache with keys that do not come again.</summary>
    /// <returns>How many entries it holds then.</returns>
    private static int Fill(NativeCache cache)
    {
        for (long key = -1; cache.GetStatistics().Evictions < 1000; key--)
        {
            Use(cache, key);
        }

        return (int)cache.Count;
    }

    private static bool Use(NativeCache cache, long key, int valueBytes = ValueBytes)
    {
        Span<byte> name = stackalloc byte[sizeof(long)];
        BitConverter.TryWriteBytes(name, key);
        Span<byte> value = stackalloc byte[valueBytes];
        if (cache.TryGet(name, value, out _))
        {
            return true;
        }

        value.Clear();
        Assert.True(cache.Set(name, value));
        return false;
    }
}
