using NativeMm.Diagnostics;
using NativeMm.Lab.Experiments;
using NativeMm.Lab.Harness;
using Xunit;

namespace NativeMm.Tests.Unit.Lab;

/// <summary>A lock's account becomes metrics, each under its own name.</summary>
public sealed class LockMetricsTests
{
    [Fact]
    public void Every_figure_becomes_a_metric_that_is_defined()
    {
        var measurement = new Measurement();
        LockMetrics.AddTo(measurement, new LockStatisticsSnapshot
        {
            Name = "one",
            Acquisitions = 1,
            AcquisitionBounces = 2,
            Contentions = 3,
            ContentionBounces = 4,
            Wait = new LockTimesSnapshot(5, 6, 7, 40),
            Hold = new LockTimesSnapshot(9, 10, 11, 108),
        });
        Assert.Equal(LockMetrics.Definitions.Select(d => d.Name), measurement.Metrics.Keys);
        Assert.Equal([1, 2, 3, 4, 6, 7, 40, 8, 10, 11, 108, 12], measurement.Metrics.Values);
    }
}
