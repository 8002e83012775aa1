using NativeMm.Buffers;
using Xunit;

namespace NativeMm.Tests.Unit.Paging;

public sealed class StrideDetectorTests
{
    private readonly StrideDetector _detector = new();

    [Theory]
    [InlineData(1)]
    [InlineData(-3)]
    [InlineData(64)]
    public void Third_equal_step_begins_to_fetch_and_each_use_doubles_it(long stride)
    {
        Assert.Equal((0, 0), Fault(1000));
        Assert.Equal((0, 0), Fault(1000 + stride));
        long page = 1000 + (2 * stride);
        foreach (int ahead in new[] { 4, 8, 16, 32, 32 })
        {
            Assert.Equal((ahead, stride), Fault(page));
            page += (ahead + 1) * stride;
        }
    }

    [Fact]
    public void Faults_without_a_pattern_fetch_nothing()
    {
        var random = new Random(5);
        for (int i = 0; i < 10_000; i++)
        {
            Assert.Equal(0, Fault(random.NextInt64(1L << 40)).Ahead);
        }
    }

    [Fact]
    public void Streams_beside_each_other_are_told_apart()
    {
        for (int i = 0; i < 2; i++)
        {
            Assert.Equal(0, Fault(10_000 + i).Ahead);
            Assert.Equal(0, Fault(20_000 + (2 * i)).Ahead);
            Assert.Equal(0, Fault(30_000 - i).Ahead);
        }

        Assert.Equal((4, 1), Fault(10_002));
        Assert.Equal((4, 2), Fault(20_004));
        Assert.Equal((4, -1), Fault(29_998));
    }

    [Fact]
    public void It_rests_when_fewer_than_half_were_used_and_tries_again()
    {
        // Streams that break off where fetching began: all that was fetched was in vain.
        for (int stream = 0; !_detector.IsResting; stream++)
        {
            Assert.InRange(stream, 0, 64);
            Broken(stream);
        }

        Assert.Equal(0, Broken(1000));
        for (int i = 0; _detector.IsResting; i++)
        {
            Assert.InRange(i, 0, StrideDetector.RestFaults);
            Fault((i + 5000L) << 20);
        }

        Assert.Equal(4, Broken(2000));
    }

    [Fact]
    public void It_goes_on_while_half_or_more_is_used()
    {
        long page = 1;
        Fault(page++);
        Fault(page++);
        for (int i = 0; i < 200; i++)
        {
            int ahead = Fault(page).Ahead;
            Assert.NotEqual(0, ahead);
            page += ahead + 1;
        }
    }

    private int Broken(int stream)
    {
        long first = (stream + 1L) << 30;
        Fault(first);
        Fault(first + 1);
        return Fault(first + 2).Ahead;
    }

    private (int Ahead, long Stride) Fault(long page)
    {
        int ahead = _detector.Fault(page, out long stride);
        return (ahead, ahead == 0 ? 0 : stride);
    }
}
