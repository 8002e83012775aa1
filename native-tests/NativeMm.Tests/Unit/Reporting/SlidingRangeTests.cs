using NativeMm.Reporting;
using Xunit;

namespace NativeMm.Tests.Unit.Reporting;

public sealed class SlidingRangeTests
{
    [Theory]
    [InlineData(0, 10)]
    [InlineData(2000, 250)]
    [InlineData(2000, 40)]
    public void Sparse_values_count_for_exactly_the_time(int length, int step)
    {
        var range = new SlidingRange(TimeSpan.FromMilliseconds(length));
        var random = new Random(1);
        List<(int Time, ulong Value)> seen = [];
        for (int now = 0; now < 40_000; now += step)
        {
            seen.Add((now, (ulong)random.Next(1000)));
            range.Add(seen[^1].Value, TimeSpan.FromMilliseconds(now));
            seen.RemoveAll(value => now - value.Time > length);
            Assert.Equal(seen.Max(value => value.Value), range.Most);
            Assert.Equal(seen.Min(value => value.Value), range.Least);
        }
    }

    [Fact]
    public void Dense_values_are_kept_in_few_buckets_and_count_for_at_most_one_part_longer()
    {
        TimeSpan length = TimeSpan.FromHours(1);
        TimeSpan step = TimeSpan.FromMilliseconds(10);
        var range = new SlidingRange(length);
        range.Add(7, TimeSpan.Zero);
        TimeSpan now = TimeSpan.Zero;
        while (now < length)
        {
            now += step;
            range.Add(5, now);
            Assert.Equal((7u, 5u), (range.Most, range.Least));
        }

        Assert.InRange(range.Count, SlidingRange.Buckets - 1, SlidingRange.Buckets + 2);
        now += (length / SlidingRange.Buckets) + step;
        range.Add(5, now);
        Assert.Equal((5u, 5u), (range.Most, range.Least));
    }

    [Fact]
    public void A_clock_that_stands_still_fills_one_bucket()
    {
        var range = new SlidingRange(TimeSpan.Zero);
        for (ulong value = 3; value < 100; value++)
        {
            range.Add(value, TimeSpan.Zero);
        }

        Assert.Equal((99u, 3u), (range.Most, range.Least));
        Assert.InRange(range.Count, 1, 2);
    }
}
