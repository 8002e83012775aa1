using NativeMm.Frames;
using NativeMm.Reporting;
using Xunit;

namespace NativeMm.Tests.Unit.Reporting;

/// <summary>When and how much, with time and counts of the test's making.</summary>
public sealed class ReporterPaceTests
{
    private const ulong Gigabyte = (1UL << 30) / 4096;

    private static readonly PageReporterOptions s_options = new();

    [Fact]
    public void A_burst_that_was_freed_is_through_after_the_delay_and_sixteen_passes()
    {
        var pace = new ReporterPace(s_options);
        ulong unreported = 2 * Gigabyte;
        TimeSpan now = TimeSpan.Zero;
        pace.Advance(new FrameUse(unreported, 0), now);
        while (unreported >= s_options.Pieces.Frames)
        {
            now += s_options.PassInterval;
            unreported -= pace.Advance(new FrameUse(0, unreported), now);
            Assert.True(now < TimeSpan.FromSeconds(8), $"{unreported} frames are left after {now}.");
        }

        Assert.True(now >= s_options.Delay + (15 * s_options.PassInterval), $"It took only {now}.");
        pace.Advance(new FrameUse(0, unreported), now + s_options.PassInterval);
        Assert.Equal(ReporterState.Idle, pace.State);
    }

    [Fact]
    public void Nothing_happens_below_the_mark_and_before_the_delay()
    {
        var pace = new ReporterPace(s_options);
        ulong mark = (ulong)s_options.HighWaterBlocks << Math.Max(s_options.PieceOrder, 4);
        Assert.Equal(0u, pace.Advance(new FrameUse(0, mark - 1), TimeSpan.FromSeconds(100)));
        Assert.Equal(ReporterState.Idle, pace.State);
        Assert.Equal(0u, pace.Advance(new FrameUse(0, mark), TimeSpan.FromSeconds(101)));
        Assert.Equal(ReporterState.Requested, pace.State);
        Assert.Equal(0u, pace.Advance(new FrameUse(0, mark), TimeSpan.FromSeconds(102.9)));
        Assert.Equal(mark, pace.Advance(new FrameUse(0, mark), TimeSpan.FromSeconds(103)));
        Assert.Equal(ReporterState.Active, pace.State);
    }

    [Fact]
    public void Memory_that_comes_and_goes_within_the_delay_is_kept()
    {
        var pace = new ReporterPace(s_options);
        for (int pass = 0; pass < 1000; pass++)
        {
            // Half a gigabyte is taken and given back every second.
            ulong used = pass % 4 < 2 ? Gigabyte / 2 : 0;
            Assert.Equal(0u, pace.Advance(new FrameUse(used, (Gigabyte / 2) - used), pass * s_options.PassInterval));
        }
    }

    [Fact]
    public void A_peak_between_two_looks_is_kept_as_well()
    {
        var pace = new ReporterPace(s_options);
        ulong top = Gigabyte / 2;
        ulong[] seen = [30, 85, 55, 10];
        for (int pass = 0; pass < 1000; pass++)
        {
            // Waves up to half a gigabyte, never seen at the top.
            ulong used = top * seen[pass % seen.Length] / 100;
            Assert.Equal(0u, pace.Advance(new FrameUse(used, top - used), pass * s_options.PassInterval));
        }
    }

    [Fact]
    public void What_a_walk_could_not_report_counts_only_when_it_grows()
    {
        var pace = new ReporterPace(s_options with { Delay = TimeSpan.Zero });
        Assert.NotEqual(0u, pace.Advance(new FrameUse(0, 1000), TimeSpan.FromSeconds(1)));
        pace.Settle(new FrameUse(0, 1000));
        Assert.Equal(0u, pace.Advance(new FrameUse(0, 1511), TimeSpan.FromSeconds(2)));
        Assert.NotEqual(0u, pace.Advance(new FrameUse(0, 1512), TimeSpan.FromSeconds(3)));
        pace.Settle(new FrameUse(0, 1512));

        // Some of it was used, so the mark comes down with it.
        Assert.Equal(0u, pace.Advance(new FrameUse(1000, 512), TimeSpan.FromSeconds(4)));
        Assert.NotEqual(0u, pace.Advance(new FrameUse(0, 1024), TimeSpan.FromSeconds(5)));
    }

    [Theory]
    [InlineData(1, 32768)]
    [InlineData(4, 32768)]
    [InlineData(16, 16384)]
    [InlineData(1024, 16384)]
    public void A_pass_takes_its_share_and_at_least_a_full_call(int divisor, ulong frames)
    {
        var pace = new ReporterPace(s_options with { Delay = TimeSpan.Zero, BudgetDivisor = divisor });
        ulong unreported = divisor == 4 ? 131072u : 32768u;
        Assert.Equal(frames, pace.Advance(new FrameUse(0, unreported), TimeSpan.FromSeconds(1)));
    }
}
