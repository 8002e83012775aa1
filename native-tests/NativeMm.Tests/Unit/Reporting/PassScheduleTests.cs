using NativeMm.Reporting;
using Xunit;

namespace NativeMm.Tests.Unit.Reporting;

public sealed class PassScheduleTests
{
    [Theory]
    [InlineData(250, 250)]
    [InlineData(250, 375)]
    [InlineData(300, 250)]
    [InlineData(10, 3333)]
    public void Each_of_two_kinds_of_beats_comes_at_its_own_interval(int first, int second)
    {
        PassSchedule[] schedules = [new(Ms(first), TimeSpan.Zero), new(Ms(second), TimeSpan.Zero)];
        int[] beats = [0, 0];
        TimeSpan now = TimeSpan.Zero;
        while (now < TimeSpan.FromSeconds(60))
        {
            TimeSpan wait = schedules.Min(schedule => schedule.WaitFrom(now));
            Assert.True(wait > TimeSpan.Zero, "It would not sleep.");
            now += wait;
            for (int i = 0; i < beats.Length; i++)
            {
                beats[i] += schedules[i].IsDue(now) ? 1 : 0;
                Assert.False(schedules[i].IsDue(now));
            }
        }

        Assert.InRange(beats[0], (60_000 / first) - 1, (60_000 / first) + 1);
        Assert.InRange(beats[1], (60_000 / second) - 1, (60_000 / second) + 1);
    }

    [Fact]
    public void A_late_beat_does_not_shift_the_next_and_missed_ones_are_not_made_up_for()
    {
        var schedule = new PassSchedule(Ms(100), Ms(1000));
        Assert.False(schedule.IsDue(Ms(1099)));
        Assert.True(schedule.IsDue(Ms(1130)));
        Assert.Equal(Ms(70), schedule.WaitFrom(Ms(1130)));
        Assert.True(schedule.IsDue(Ms(1200)));
        Assert.True(schedule.IsDue(Ms(5000)));
        Assert.False(schedule.IsDue(Ms(5050)));
        Assert.Equal(Ms(50), schedule.WaitFrom(Ms(5050)));
        Assert.Equal(TimeSpan.Zero, schedule.WaitFrom(Ms(6000)));
    }

    private static TimeSpan Ms(int milliseconds) => TimeSpan.FromMilliseconds(milliseconds);
}
