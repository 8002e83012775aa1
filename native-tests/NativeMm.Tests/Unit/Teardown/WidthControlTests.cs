using NativeMm.Teardown;
using Xunit;

namespace NativeMm.Tests.Unit.Teardown;

/// <summary>How many threads a job gets, by speeds that the test makes up.</summary>
public sealed class WidthControlTests
{
    private const long Window = 100;

    /// <summary>Runs a job whose speed depends on the width alone, all threads there at once.</summary>
    private static List<int> Widths(double gain, int widthMax, int windows, Func<int, int, double> speedAt)
    {
        var control = new WidthControl(widthMax, gain, Window);
        var widths = new List<int>();
        double frames = 0;
        long steps = 0;
        for (long now = 0; widths.Count < windows; now += Window)
        {
            control.Observe(now, (long)frames, steps, control.Width);
            control.Observe(now, (long)frames, steps, control.Width);
            frames += 1000 * speedAt(control.Width, widths.Count);
            steps += 100;
            widths.Add(control.Width);
        }

        return widths;
    }

    [Fact]
    public void It_begins_with_one_and_grows_while_each_brings_its_part()
    {
        List<int> widths = Widths(0.15, 8, 40, (width, _) => width);
        Assert.Equal(1, widths[0]);
        Assert.Equal(7, widths[^1]);
        Assert.Equal(8, widths.Max());
        Assert.All(widths.Zip(widths.Skip(1)), pair => Assert.InRange(pair.Second - pair.First, -1, 1));
    }

    [Fact]
    public void What_brings_nothing_goes_again_and_is_tried_again_later()
    {
        List<int> widths = Widths(0.15, 8, 60, (_, _) => 1);
        Assert.Equal(2, widths.Max());
        Assert.InRange(widths.Count(width => width == 2), 2, 6);
        Assert.Equal(1, widths[^1]);
    }

    [Fact]
    public void Processors_that_become_free_are_found()
    {
        List<int> widths = Widths(0.15, 4, 200, (width, window) => window < 10 ? 1 : width);
        Assert.Equal(1, widths[9]);
        Assert.Equal(4, widths[^1]);
    }

    [Fact]
    public void Without_a_demand_all_come() => Assert.Equal(8, Widths(0, 8, 20, (_, _) => 1)[^1]);

    [Fact]
    public void One_is_the_most_where_one_is_allowed() => Assert.All(Widths(0, 1, 20, (width, _) => width), width => Assert.Equal(1, width));

    [Fact]
    public void A_speed_counts_from_when_all_are_there_and_have_made_steps()
    {
        var control = new WidthControl(4, 0.15, Window);
        control.Observe(0, 0, 0, 1);
        Assert.False(control.Observe(Window, 1000, 3, 1));
        Assert.True(control.Observe(Window, 1000, 4, 1));
        Assert.Equal(2, control.Width);

        // The second one has not come: nothing is decided, however long that lasts.
        Assert.False(control.Observe(50 * Window, 50_000, 400, 1));
        Assert.False(control.Observe(51 * Window, 51_000, 500, 2));
        Assert.True(control.Observe(52 * Window, 53_000, 600, 2));
        Assert.Equal(3, control.Width);
    }
}
