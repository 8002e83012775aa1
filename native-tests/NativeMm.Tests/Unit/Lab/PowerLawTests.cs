using NativeMm.Lab.Harness;
using Xunit;

namespace NativeMm.Tests.Unit.Lab;

public sealed class PowerLawTests
{
    private static readonly double[] s_sizes = [1024, 4096, 16384, 65536, 262144];

    [Theory]
    [InlineData(0)]
    [InlineData(0.5)]
    [InlineData(1)]
    [InlineData(2)]
    public void Finds_the_exponent_whatever_the_factor_is(double exponent)
    {
        double[] costs = [.. s_sizes.Select(size => 17.5 * Math.Pow(size, exponent))];
        Assert.Equal(exponent, PowerLaw.Exponent(s_sizes, costs), 1e-9);
    }

    [Fact]
    public void Each_size_weighs_the_same()
    {
        // Twice the cost at one end tilts the line as much as half of it at the other.
        double[] high = [1024, 4096, 16384, 65536, 2 * 262144];
        double[] low = [1024 / 2.0, 4096, 16384, 65536, 262144];
        Assert.Equal(PowerLaw.Exponent(s_sizes, high), PowerLaw.Exponent(s_sizes, low), 1e-9);
        Assert.Equal(1 + (Math.Log(2) * 2 / (10 * Math.Log(4))), PowerLaw.Exponent(s_sizes, high), 1e-9);
    }

    [Fact]
    public void A_quadratic_share_shows_before_it_rules()
    {
        double[] costs = [.. s_sizes.Select(size => (100 * size) + (0.01 * size * size))];
        Assert.InRange(PowerLaw.Exponent(s_sizes, costs), 1.3, 1.7);
    }

    [Fact]
    public void Refuses_what_has_no_logarithm_and_what_has_no_slope()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => PowerLaw.Exponent([1, 2], [0, 1]));
        Assert.Throws<ArgumentOutOfRangeException>(() => PowerLaw.Exponent([-1, 2], [1, 1]));
        Assert.Throws<ArgumentOutOfRangeException>(() => PowerLaw.Exponent([1, 2], [1, double.NaN]));
        Assert.Throws<ArgumentOutOfRangeException>(() => PowerLaw.Exponent([1, 2, 3], [1, 2]));
        Assert.Contains("2 different sizes", Assert.Throws<ArgumentException>(() => PowerLaw.Exponent([8, 8], [1, 2])).Message, StringComparison.Ordinal);
    }
}
