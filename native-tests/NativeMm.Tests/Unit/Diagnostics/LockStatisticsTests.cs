using NativeMm.Diagnostics;
using NativeMm.Primitives;
using Xunit;

namespace NativeMm.Tests.Unit;

public sealed class LockStatisticsTests
{
    // One tick is one microsecond.
    private const long TicksPerSecond = 1_000_000;
    private static readonly CoreId s_core0 = new(0);
    private static readonly CoreId s_core1 = new(1);

    [Fact]
    public void Scenario_by_hand_gives_the_figures_of_paper_and_pencil()
    {
        LockStatisticsSnapshot row = Scenario().Snapshot("zone", TicksPerSecond);
        Assert.Equal("zone", row.Name);
        Assert.Equal(5, row.Acquisitions);
        Assert.Equal(2, row.Contentions);
        Assert.Equal(2, row.AcquisitionBounces);
        Assert.Equal(1, row.ContentionBounces);
        Assert.Equal(new LockTimesSnapshot(2, 4_000, 30_000, 34_000), row.Wait);
        Assert.Equal(17_000, row.Wait.Average);
        Assert.Equal(new LockTimesSnapshot(5, 1_000, 50_000, 86_000), row.Hold);
        Assert.Equal(17_200, row.Hold.Average);
    }

    [Fact]
    public void Unused_lock_has_no_figures()
    {
        LockStatisticsSnapshot row = default(LockStatistics).Snapshot("idle");
        Assert.Equal((0, 0, 0, 0), (row.Acquisitions, row.Contentions, row.AcquisitionBounces, row.ContentionBounces));
        Assert.Equal((0.0, 0.0), (row.Wait.Average, row.Hold.Average));
    }

    [Fact]
    public void Clock_that_goes_backwards_counts_as_no_time()
    {
        var statistics = default(LockStatistics);
        statistics.AcquiredAfterWait(100, 90, s_core0);
        statistics.Releasing(80);
        LockStatisticsSnapshot row = statistics.Snapshot("odd", TicksPerSecond);
        Assert.Equal((0.0, 0.0), (row.Wait.Total, row.Hold.Total));
    }

    [Fact]
    public void Table_has_the_shape_of_proc_lock_stat()
    {
        LockStatisticsSnapshot[] rows = [Scenario().Snapshot("zone->lock", TicksPerSecond), default(LockStatistics).Snapshot("heap->lock")];
        string[] lines = LockStatisticsTable.Format(rows).TrimEnd('\n').Split('\n');
        Assert.Equal(5, lines.Length);
        Assert.All(lines, line => Assert.Equal(lines[0].Length, line.Length));
        Assert.Equal(
            "class name con-bounces contentions waittime-min waittime-max waittime-total waittime-avg "
            + "acq-bounces acquisitions holdtime-min holdtime-max holdtime-total holdtime-avg",
            Squeeze(lines[1]));
        Assert.Equal("zone->lock: 1 2 4.00 30.00 34.00 17.00 2 5 1.00 50.00 86.00 17.20", Squeeze(lines[3]));
        Assert.Equal("heap->lock: 0 0 0.00 0.00 0.00 0.00 0 0 0.00 0.00 0.00 0.00", Squeeze(lines[4]));
    }

    /// <summary>Core 0 twice, core 1 after a wait of 30, core 1 after a wait of 4, core 0 at once.</summary>
    private static LockStatistics Scenario()
    {
        var statistics = default(LockStatistics);
        statistics.Acquired(0, s_core0);
        statistics.Releasing(10);
        statistics.Acquired(20, s_core0);
        statistics.Releasing(70);
        statistics.AcquiredAfterWait(40, 70, s_core1);
        statistics.Releasing(90);
        statistics.AcquiredAfterWait(86, 90, s_core1);
        statistics.Releasing(95);
        statistics.Acquired(200, s_core0);
        statistics.Releasing(201);
        return statistics;
    }

    private static string Squeeze(string line) => string.Join(' ', line.Split(' ', StringSplitOptions.RemoveEmptyEntries));
}
