using NativeMm.Buffers;
using Xunit;

namespace NativeMm.Tests.Unit.Paging;

public sealed class PagedMemoryStatisticsTests
{
    private static readonly PagedMemoryStatistics s_early = new()
    {
        Elapsed = TimeSpan.FromSeconds(2),
        ResidentBytes = 4096,
        Faults = 10,
        PagesIn = 6,
        PagesOut = 5,
        Prefetched = 4,
        Accesses = 100,
        Stalled = TimeSpan.FromSeconds(1),
        FailedLoads = 1,
    };

    private static readonly PagedMemoryStatistics s_late = new()
    {
        Elapsed = TimeSpan.FromSeconds(10),
        ResidentBytes = 8192,
        CompressedPageBytes = 12288,
        CompressedBytes = 4096,
        Faults = 50,
        PagesIn = 36,
        PagesOut = 25,
        Prefetched = 14,
        Accesses = 300,
        Stalled = TimeSpan.FromSeconds(3),
        FailedLoads = 3,
    };

    [Fact]
    public void What_is_derived_follows_from_what_is_counted()
    {
        Assert.Equal(3.0, s_late.Ratio);
        Assert.Equal(5.0, s_late.FaultsPerSecond);
        Assert.Equal(1 - (22 / 300.0), s_late.HitRatio, 1e-12);
        Assert.Equal(0.3, s_late.StallShare, 1e-12);
    }

    [Fact]
    public void Counts_and_times_are_differences_and_the_rest_is_of_the_later_moment()
    {
        PagedMemoryStatistics between = s_late.Since(s_early);
        Assert.Equal((TimeSpan.FromSeconds(8), TimeSpan.FromSeconds(2)), (between.Elapsed, between.Stalled));
        Assert.Equal((40L, 30L, 20L, 10L, 200L, 2L), (between.Faults, between.PagesIn, between.PagesOut, between.Prefetched, between.Accesses, between.FailedLoads));
        Assert.Equal((8192L, 12288L), (between.ResidentBytes, between.CompressedPageBytes));
        Assert.Equal(5.0, between.FaultsPerSecond);
        Assert.Equal(0.9, between.HitRatio, 1e-12);
        Assert.Equal(0.25, between.StallShare, 1e-12);
    }

    [Fact]
    public void Of_no_time_and_of_nothing_counted_there_is_no_share()
    {
        PagedMemoryStatistics none = s_late.Since(s_late) with { CompressedBytes = 0 };
        Assert.Equal((0.0, 0.0, 0.0), (none.FaultsPerSecond, none.StallShare, none.Ratio));
        Assert.True(double.IsNaN(none.HitRatio));
    }
}
