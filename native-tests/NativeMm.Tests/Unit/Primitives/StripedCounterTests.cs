using NativeMm.Primitives;
using Xunit;

namespace NativeMm.Tests.Unit;

public sealed class StripedCounterTests
{
    [Theory]
    [InlineData(-5, 1)]
    [InlineData(1, 1)]
    [InlineData(3, 4)]
    [InlineData(64, 64)]
    [InlineData(100_000, 256)]
    public void StripesAreAPowerOfTwoWithinBounds(int asked, int made) => Assert.Equal(made, new StripedCounter(asked).Stripes);

    [Fact]
    public void SumIsOverAllStripesWhateverTheCore()
    {
        var counter = new StripedCounter(4);
        for (int core = 0; core < 10; core++)
        {
            counter.Add(1L << core, new CoreId(core));
        }

        counter.Add(-1);
        Assert.Equal(1022, counter.Sum());
        Assert.Equal(0, new StripedCounter().Sum());
    }
}
