using System.Diagnostics;
using NativeMm.Heap;
using Xunit;

namespace NativeMm.Tests.Unit.Heap;

public sealed class LookPaceTests
{
    private static readonly long s_microsecond = Stopwatch.Frequency / 1_000_000;

    [Fact]
    public void Looks_take_a_sixteenth_of_the_time_and_two_milliseconds_ahead()
    {
        long paid = 0;
        long spent = 0;
        const int Seconds = 2;
        for (long now = Stopwatch.Frequency; now < (Seconds + 1) * Stopwatch.Frequency; now += 10 * s_microsecond)
        {
            if (LookPace.Allows(paid, now))
            {
                paid = LookPace.Pay(paid, now, now + (5 * s_microsecond));
                spent += 5;
            }
        }

        Assert.InRange(spent, (Seconds * 1_000_000 / 16) + 1_900, (Seconds * 1_000_000 / 16) + 2_200);
    }

    [Fact]
    public void A_thread_that_did_not_look_for_long_has_no_more_ahead_than_at_first()
    {
        long paid = LookPace.Pay(0, Stopwatch.Frequency, Stopwatch.Frequency + s_microsecond);
        long now = 1000 * Stopwatch.Frequency;
        int looks = 0;
        while (LookPace.Allows(paid, now))
        {
            paid = LookPace.Pay(paid, now, now + (10 * s_microsecond));
            looks++;
        }

        Assert.InRange(looks, 200, 202);
    }

    [Fact]
    public void A_thread_that_was_interrupted_in_a_look_pays_for_a_look()
    {
        long paid = LookPace.Pay(0, Stopwatch.Frequency, 10 * Stopwatch.Frequency);
        Assert.Equal(Stopwatch.Frequency + (20 * 16 * s_microsecond), paid);
    }
}
