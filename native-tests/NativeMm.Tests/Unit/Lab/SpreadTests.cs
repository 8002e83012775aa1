using NativeMm.Lab.Harness;
using Xunit;

namespace NativeMm.Tests.Unit.Lab;

public sealed class SpreadTests
{
    [Theory]
    [InlineData(new double[] { 7 }, 7, 7, 7)]
    [InlineData(new double[] { 3, 1, 2 }, 1, 2, 3)]
    [InlineData(new double[] { 4, 1, 3, 2 }, 1, 2.5, 4)]
    [InlineData(new double[] { 5, 5, 5, 1, 100 }, 1, 5, 100)]
    public void Smallest_median_and_largest_are_found(double[] figures, double min, double median, double max) =>
        Assert.Equal(new Spread(min, median, max), Spread.Of(figures));

    [Fact]
    public void Nothing_has_no_spread() => Assert.Throws<ArgumentOutOfRangeException>(() => Spread.Of([]));

    [Theory]
    [InlineData(1, 2, 2, 3, true)]
    [InlineData(1, 2, 2.1, 3, false)]
    [InlineData(5, 9, 1, 4, false)]
    [InlineData(1, 9, 3, 4, true)]
    public void Overlap_is_symmetric_and_counts_the_ends(double min, double max, double otherMin, double otherMax, bool expected)
    {
        var one = new Spread(min, min, max);
        var other = new Spread(otherMin, otherMin, otherMax);
        Assert.Equal(expected, one.Overlaps(other));
        Assert.Equal(expected, other.Overlaps(one));
    }
}
