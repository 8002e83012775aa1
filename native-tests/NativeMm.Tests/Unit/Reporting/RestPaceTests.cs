using NativeMm.Reporting;
using Xunit;

namespace NativeMm.Tests.Unit.Reporting;

public sealed class RestPaceTests
{
    private static readonly TimeSpan s_beat = TimeSpan.FromMilliseconds(250);

    [Fact]
    public void At_rest_each_sleep_is_twice_the_one_before_up_to_the_longest()
    {
        var pace = new RestPace(TimeSpan.FromSeconds(3));
        double[] sleeps = [.. Enumerable.Range(0, 7).Select(i => pace.NextWait(isAtRest: i > 0, s_beat).TotalSeconds)];
        Assert.Equal([0.25, 0.5, 1, 2, 3, 3, 3], sleeps);
    }

    [Fact]
    public void Work_ends_the_rest_at_once()
    {
        var pace = new RestPace(TimeSpan.Zero);
        for (int i = 0; i < 9; i++)
        {
            pace.NextWait(isAtRest: true, s_beat);
        }

        Assert.Equal(RestPace.LongestMin, pace.NextWait(isAtRest: true, s_beat));
        Assert.Equal(s_beat, pace.NextWait(isAtRest: false, s_beat));
        Assert.Equal(2 * s_beat, pace.NextWait(isAtRest: true, s_beat));
    }

    [Fact]
    public void Never_earlier_than_the_work_wants_it()
    {
        var pace = new RestPace(TimeSpan.Zero);
        Assert.Equal(TimeSpan.FromHours(1), pace.NextWait(isAtRest: true, TimeSpan.FromHours(1)));
        Assert.Equal(TimeSpan.FromHours(1), pace.NextWait(isAtRest: true, TimeSpan.FromHours(1)));
    }
}
