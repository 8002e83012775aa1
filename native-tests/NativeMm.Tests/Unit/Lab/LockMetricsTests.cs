using NativeMm.Diagnostics;
using NativeMm.Lab.Experiments;
using NativeMm.Lab.Harness;
using Xunit;

namespace NativeMm.Tests.Unit.Lab;

/// <summary>The sum of several locks' accounts is what one lock with all their events would show.</summary>
public sealed class LockMetricsTests
{
    [Fact]
    public void Counts_add_up_and_extremes_are_over_all_that_know_any()
    {
        LockStatisticsSnapshot sum = LockMetrics.Sum("all", [Lock(3, new(2, 10, 30, 40)), Lock(0, new(0, 0, 0, 0)), Lock(5, new(1, 50, 50, 50))]);
        Assert.Equal(8, sum.Acquisitions);
        Assert.Equal(16, sum.AcquisitionBounces);
        Assert.Equal(24, sum.Contentions);
        Assert.Equal(32, sum.ContentionBounces);
        Assert.Equal(new LockTimesSnapshot(3, 10, 50, 90), sum.Wait);
        Assert.Equal(30, sum.Hold.Average);
    }

    [Fact]
    public void Every_figure_becomes_a_metric_that_is_defined()
    {
        var measurement = new Measurement();
        LockMetrics.AddTo(measurement, LockMetrics.Sum("none", []));
        Assert.Equal(LockMetrics.Definitions.Select(d => d.Name), measurement.Metrics.Keys);
    }

    private static LockStatisticsSnapshot Lock(long count, LockTimesSnapshot times) => new()
    {
        Name = "one",
        Acquisitions = count,
        AcquisitionBounces = 2 * count,
        Contentions = 3 * count,
        ContentionBounces = 4 * count,
        Wait = times,
        Hold = times,
    };
}
