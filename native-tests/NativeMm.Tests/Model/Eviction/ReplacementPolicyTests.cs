using NativeMm.Eviction;
using Xunit;

namespace NativeMm.Tests.Model.Eviction;

/// <summary>What the policies keep, on sequences whose best answer is known.</summary>
public sealed class ReplacementPolicyTests
{
    private const int Capacity = 1024;
    private const long Elsewhere = 1L << 40;

    [Fact]
    public void Clock_misses_all_of_a_loop_over_twice_its_capacity()
    {
        using var cache = new CacheSimulation<ClockPolicy>(Capacity);
        Assert.Equal(0, cache.Percent(AccessTraces.Loop(2 * Capacity, 10)));
    }

    [Theory]
    [InlineData(Capacity, 1, true, 48.0)]
    [InlineData(Capacity, 1, false, 48.0)]
    [InlineData(4096, 64, false, 47.0)]
    [InlineData(200, 1, true, 47.0)]
    public void Loop_over_twice_the_capacity_hits_nearly_half(int capacity, int batch, bool boundedHistory, double percent)
    {
        using var cache = new CacheSimulation<ReuseClockPolicy>(capacity, batch, boundedHistory: boundedHistory);
        cache.Percent(AccessTraces.Loop(2 * capacity, 2));
        Assert.InRange(cache.Percent(AccessTraces.Loop(2 * capacity, 20)), percent, 50.0);
        Assert.True(cache.Policy.CountsAgree());
    }

    [Fact]
    public void Loop_is_learned_where_something_else_was_before()
    {
        using var cache = new CacheSimulation<ReuseClockPolicy>(Capacity);
        cache.Percent(AccessTraces.Zipf(8 * Capacity, 200_000, seed: 1, Elsewhere));
        cache.Percent(AccessTraces.Loop(2 * Capacity, 6));
        Assert.InRange(cache.Percent(AccessTraces.Loop(2 * Capacity, 10)), 44.0, 50.0);
    }

    [Theory]
    [InlineData(2, 44.0)]
    [InlineData(4, 18.0)]
    public void Loop_that_is_longer_than_histories_reach_is_learned_after_something_else(int times, double percent)
    {
        using var cache = new CacheSimulation<ReuseClockPolicy>(Capacity, boundedHistory: true);
        cache.Percent(AccessTraces.Zipf(8 * Capacity, 200_000, seed: 1, Elsewhere));
        cache.Percent(AccessTraces.Loop(times * Capacity, 30));
        Assert.InRange(cache.Percent(AccessTraces.Loop(times * Capacity, 10)), percent, 100.0 / times);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Probation_grows_where_items_come_back_just_after_they_left_it(bool boundedHistory)
    {
        using var cache = new CacheSimulation<ReuseClockPolicy>(Capacity, boundedHistory: boundedHistory);
        cache.Percent(AccessTraces.UsedAgainAfter(Capacity * 22 / 100, 20 * Capacity));
        Assert.InRange(cache.Percent(AccessTraces.UsedAgainAfter(Capacity * 22 / 100, 20 * Capacity).Select(key => key + Elsewhere)), 45.0, 50.0);
    }

    [Fact]
    public void Loop_that_fits_is_hit_always()
    {
        using var cache = new CacheSimulation<ReuseClockPolicy>(Capacity);
        cache.Percent(AccessTraces.Loop(3 * Capacity, 3, Elsewhere));
        cache.Percent(AccessTraces.Loop(Capacity * 8 / 10, 6));
        Assert.Equal(100, cache.Percent(AccessTraces.Loop(Capacity * 8 / 10, 10)));
    }

    [Fact]
    public void Scan_takes_no_more_than_the_probation_from_what_is_used()
    {
        double alone = ZipfPercent<ReuseClockPolicy>(scan: false);
        double beside = ZipfPercent<ReuseClockPolicy>(scan: true);
        double clock = ZipfPercent<ClockPolicy>(scan: true);
        Assert.InRange(beside, alone - 4.0, alone);
        Assert.InRange(clock, 0, beside - 5.0);
    }

    [Fact]
    public void Frequent_keys_are_kept_better_than_by_clock()
    {
        Assert.InRange(ZipfPercent<ReuseClockPolicy>(scan: false), ZipfPercent<ClockPolicy>(scan: false) + 2.0, 100);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(16)]
    public void Working_set_that_moves_is_followed_within_a_few_turnovers(int batch)
    {
        using var cache = new CacheSimulation<ReuseClockPolicy>(Capacity, batch);
        int requests = 40 * Capacity;
        double before = 0;
        for (int move = 0; move < 4; move++)
        {
            long first = move * Elsewhere;
            cache.Percent(AccessTraces.Zipf(8 * Capacity, requests, move, first));
            double after = cache.Percent(AccessTraces.Zipf(8 * Capacity, requests, 100 + move, first));
            Assert.InRange(after, move == 0 ? 0 : before - 3.0, 100);
            before = move == 0 ? after : before;
        }
    }

    [Fact]
    public void Whether_coming_in_counts_as_a_use_makes_no_difference()
    {
        using var paging = new CacheSimulation<ReuseClockPolicy>(Capacity, insertUses: true);
        using var caching = new CacheSimulation<ReuseClockPolicy>(Capacity, insertUses: false);
        Assert.Equal(
            paging.Percent(AccessTraces.Zipf(8 * Capacity, 100_000, seed: 3)),
            caching.Percent(AccessTraces.Zipf(8 * Capacity, 100_000, seed: 3)));
    }

    /// <summary>Hits among the requests by Zipf's law, with or without a scan between them, after a while.</summary>
    private static double ZipfPercent<TPolicy>(bool scan)
        where TPolicy : struct, IReplacementPolicy
    {
        using var cache = new CacheSimulation<TPolicy>(Capacity);
        IEnumerable<long> Keys(int seed) => AccessTraces.Zipf(8 * Capacity, 100_000, seed);
        if (!scan)
        {
            cache.Percent(Keys(1));
            return cache.Percent(Keys(2));
        }

        cache.Percent(AccessTraces.WithScan(Keys(1), Elsewhere));

        // No key of the scan is ever hit.
        return 2 * cache.Percent(AccessTraces.WithScan(Keys(2), 2 * Elsewhere));
    }
}
