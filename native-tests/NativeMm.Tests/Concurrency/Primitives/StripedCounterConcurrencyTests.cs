using NativeMm.Primitives;
using NativeMm.Tests.Support;
using Xunit;

namespace NativeMm.Tests.Concurrency;

public sealed class StripedCounterConcurrencyTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(64)]
    public void NoAddIsLostHoweverFewTheStripes(int stripes)
    {
        const int Threads = 4;
        const int Adds = 200_000;
        var counter = new StripedCounter(stripes);
        StartGate.Run(Threads, thread =>
        {
            for (int i = 0; i < Adds; i++)
            {
                counter.Add(thread + 1);
            }
        });
        Assert.Equal((1 + 2 + 3 + 4) * Adds, counter.Sum());
    }
}
