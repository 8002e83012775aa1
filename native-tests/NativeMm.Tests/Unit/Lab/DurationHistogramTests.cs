using System.Diagnostics;
using NativeMm.Lab.Harness;
using Xunit;

namespace NativeMm.Tests.Unit.Lab;

public sealed class DurationHistogramTests
{
    private const double Precision = 1.0 / 16;
    private static readonly double s_tick = 1e9 / Stopwatch.Frequency;

    [Fact]
    public void An_empty_one_knows_nothing()
    {
        var histogram = default(DurationHistogram);

        Assert.Equal(0, histogram.Count);
        Assert.Equal(0, histogram.MaximumNanoseconds);
        Assert.Equal(0, histogram.QuantileNanoseconds(0.999));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(15)]
    [InlineData(16)]
    [InlineData(31)]
    [InlineData(32)]
    [InlineData(1_000_003)]
    [InlineData(long.MaxValue)]
    public void One_duration_is_every_quantile(long ticks)
    {
        var histogram = default(DurationHistogram);
        histogram.Add(ticks);

        Assert.Equal(ticks * s_tick, histogram.MaximumNanoseconds, ticks * 1e-9);
        Assert.Equal(ticks * s_tick, histogram.QuantileNanoseconds(0.001), ticks * s_tick * 1e-9);
        Assert.Equal(ticks * s_tick, histogram.QuantileNanoseconds(1), ticks * s_tick * 1e-9);
    }

    [Fact]
    public void A_clock_that_went_backwards_counts_as_no_time()
    {
        var histogram = default(DurationHistogram);
        histogram.Add(-5);

        Assert.Equal(1, histogram.Count);
        Assert.Equal(0, histogram.MaximumNanoseconds);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Quantiles_are_those_of_the_sorted_durations_within_a_sixteenth(int seed)
    {
        var random = new Random(seed);
        long[] durations = [.. Enumerable.Range(0, 20_000).Select(_ => (long)Math.Exp(random.NextDouble() * 20))];
        var histogram = default(DurationHistogram);
        foreach (long duration in durations)
        {
            histogram.Add(duration);
        }

        long[] sorted = [.. durations.Order()];
        foreach (double part in (double[])[0.001, 0.5, 0.9, 0.99, 0.999, 1])
        {
            double exact = sorted[(int)Math.Ceiling(part * sorted.Length) - 1] * s_tick;
            Assert.InRange(histogram.QuantileNanoseconds(part), exact, (exact * (1 + Precision)) + s_tick);
        }

        Assert.Equal(sorted[^1] * s_tick, histogram.MaximumNanoseconds);
    }
}
