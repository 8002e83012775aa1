using NativeMm.Heap;
using Xunit;

namespace NativeMm.Tests.Unit.Heap;

public sealed class LookPaceTests
{
    private const long Microsecond = 1000;
    private const long Second = 1_000_000_000;

    [Fact]
    public void Looks_take_a_sixteenth_of_the_time_and_two_milliseconds_ahead()
    {
        long paid = 0;
        long spent = 0;
        const int Seconds = 2;
        for (long now = Second; now < (Seconds + 1) * Second; now += 10 * Microsecond)
        {
            if (LookPace.Wait(paid, now) <= 0)
            {
                paid = LookPace.Pay(paid, now, 5 * Microsecond);
                spent += 5;
            }
        }

        Assert.InRange(spent, (Seconds * 1_000_000 / 16) + 1_900, (Seconds * 1_000_000 / 16) + 2_200);
    }

    [Fact]
    public void A_thread_that_did_not_look_for_long_has_no_more_ahead_than_at_first()
    {
        long paid = LookPace.Pay(0, Second, Microsecond);
        long now = 1000 * Second;
        int looks = 0;
        while (LookPace.Wait(paid, now) <= 0)
        {
            paid = LookPace.Pay(paid, now, 10 * Microsecond);
            looks++;
        }

        Assert.InRange(looks, 200, 202);
    }

    [Fact]
    public void A_thread_that_was_interrupted_in_a_look_pays_for_a_look()
    {
        long paid = LookPace.Pay(0, Second, 9 * Second);
        Assert.Equal(Second + (20 * 16 * Microsecond), paid);
    }

    /// <summary>Until then the system is not asked for the time.</summary>
    [Fact]
    public void A_thread_that_may_not_look_is_told_how_long_it_has_to_wait()
    {
        long paid = 0;
        while (LookPace.Wait(paid, Second) <= 0)
        {
            paid = LookPace.Pay(paid, Second, 10 * Microsecond);
        }

        long wait = LookPace.Wait(paid, Second);
        Assert.InRange(wait, 1, 10 * 16 * Microsecond);
        Assert.Equal(1, LookPace.Wait(paid, Second + wait - 1));
        Assert.Equal(0, LookPace.Wait(paid, Second + wait));
    }
}
