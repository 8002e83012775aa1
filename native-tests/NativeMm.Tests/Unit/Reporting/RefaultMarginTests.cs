using NativeMm.Frames;
using NativeMm.Reporting;
using Xunit;

namespace NativeMm.Tests.Unit.Reporting;

/// <summary>What mistakes of the pace teach it, with time and counts of the test's making.</summary>
public sealed class RefaultMarginTests
{
    private const ulong Block = 512;

    private static readonly PageReporterOptions s_options = new();

    [Fact]
    public void What_is_taken_again_soon_after_its_report_widens_the_margin_four_times()
    {
        RefaultMargin margin = Reported(backed: 9000, after: 8600);
        margin.Advance(8700, TimeSpan.FromSeconds(1));
        Assert.Equal(400u, margin.Frames);

        // A frame is a mistake once: of the 400 only 300 are left to be one, the rest is growth.
        margin.Advance(9200, TimeSpan.FromSeconds(1.5));
        Assert.Equal(1600u, margin.Frames);
    }

    [Fact]
    public void Growth_without_a_report_is_no_mistake()
    {
        var margin = new RefaultMargin(s_options.Delay);
        for (ulong step = 1; step < 100; step++)
        {
            margin.Advance(step * Block, TimeSpan.FromSeconds(step * 0.1));
        }

        Assert.Equal(0u, margin.Frames);
    }

    [Theory]
    [InlineData(3.9, 400)]
    [InlineData(4.1, 0)]
    public void Only_what_was_reported_within_two_delays_counts(double seconds, ulong frames)
    {
        RefaultMargin margin = Reported(backed: 1000, after: 600);
        margin.Advance(600, TimeSpan.FromSeconds(2));
        margin.Advance(700, TimeSpan.FromSeconds(seconds));
        Assert.Equal(frames, margin.Frames);
    }

    [Fact]
    public void Of_several_reports_only_the_old_ones_are_forgotten()
    {
        RefaultMargin margin = Reported(backed: 9000, after: 8900);
        margin.NotePass(8700, TimeSpan.FromSeconds(3));
        margin.Advance(8750, TimeSpan.FromSeconds(3.5));
        Assert.Equal(200u, margin.Frames);

        // Of the first hundred fifty were a mistake already; the other fifty are too old now.
        margin.Advance(9000, TimeSpan.FromSeconds(4.5));
        Assert.Equal(200u + (4 * 200u), margin.Frames);
    }

    [Fact]
    public void Half_of_the_margin_goes_with_each_delay()
    {
        RefaultMargin margin = Reported(backed: 100_000, after: 50_000);
        margin.Advance(66_000, TimeSpan.FromSeconds(0.5));
        Assert.Equal(64_000u, margin.Frames);
        for (int delays = 1; delays <= 10; delays++)
        {
            margin.Advance(66_000, (delays * s_options.Delay) + TimeSpan.FromSeconds(0.5));
            Assert.Equal(64_000u >> delays, margin.Frames);
        }
    }

    [Fact]
    public void A_halving_that_was_a_mistake_is_undone()
    {
        RefaultMargin margin = Reported(backed: 100_000, after: 50_000);
        margin.Advance(66_000, TimeSpan.FromSeconds(0.5));
        margin.Advance(66_000, TimeSpan.FromSeconds(2.5));
        Assert.Equal(32_000u, margin.Frames);

        // Little of what was reported of late: the first report counts as well, until it is too old.
        margin.NotePass(65_000, TimeSpan.FromSeconds(2.5));
        margin.Advance(65_100, TimeSpan.FromSeconds(2.75));
        Assert.Equal(32_400u, margin.Frames);
        margin.Advance(65_100, TimeSpan.FromSeconds(4.25));
        Assert.Equal(32_400u, margin.Frames);
        margin.Advance(66_000, TimeSpan.FromSeconds(4.4));
        Assert.Equal(64_000u, margin.Frames);
    }

    [Fact]
    public void The_margin_is_never_more_than_there_is()
    {
        RefaultMargin margin = Reported(backed: 1000, after: 0);
        margin.Advance(900, TimeSpan.FromSeconds(1));
        Assert.Equal(900u, margin.Frames);
    }

    [Fact]
    public void A_program_that_uses_more_than_any_look_sees_is_left_alone_but_for_a_few_probes()
    {
        // 64 blocks are in use whenever somebody looks, and 192 are touched between any two looks.
        const ulong Seen = 64 * Block;
        const ulong Touched = 192 * Block;
        var pace = new ReporterPace(s_options);
        ulong reported = 0;
        int looks = (int)(TimeSpan.FromMinutes(2) / s_options.PassInterval);
        for (int look = 0; look < looks; look++)
        {
            TimeSpan now = look * s_options.PassInterval;
            ulong frames = pace.Advance(new FrameUse(Seen, Touched - Seen), now);
            if (frames > 0)
            {
                reported += frames;
                pace.NotePass(new FrameUse(Seen, Touched - Seen - frames), now);
            }
        }

        // Without the margin each pass would report a full call of 32 blocks.
        ulong withoutMargin = (ulong)looks * 32 * Block;
        Assert.InRange(reported, 1u, withoutMargin / 20);
    }

    [Fact]
    public void When_that_program_rests_its_memory_goes_back()
    {
        const ulong Touched = 192 * Block;
        var pace = new ReporterPace(s_options);
        TimeSpan now = TimeSpan.Zero;
        for (int look = 0; look < 100; look++, now += s_options.PassInterval)
        {
            ulong frames = pace.Advance(new FrameUse(64 * Block, 128 * Block), now);
            pace.NotePass(new FrameUse(64 * Block, (128 * Block) - frames), now);
        }

        TimeSpan end = now + (12 * s_options.Delay);
        ulong unreported = Touched;
        for (; now < end; now += s_options.PassInterval)
        {
            unreported -= pace.Advance(new FrameUse(0, unreported), now);
            pace.NotePass(new FrameUse(0, unreported), now);
        }

        Assert.InRange(unreported, 0u, Touched / 100);
    }

    private static RefaultMargin Reported(ulong backed, ulong after)
    {
        var margin = new RefaultMargin(s_options.Delay);
        margin.Advance(backed, TimeSpan.Zero);
        margin.NotePass(after, TimeSpan.Zero);
        return margin;
    }
}
