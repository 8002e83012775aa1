using NativeMm.Lab.Experiments;
using NativeMm.Lab.Experiments.Vmalloc;
using NativeMm.Lab.Harness;
using NativeMm.Tests.Support;
using Xunit;

namespace NativeMm.Tests.Unit.Lab;

/// <summary>Each test of the experiment once, as small as it goes: whatever the figures are, the counts must fit what was done.</summary>
public sealed class VmallocMeasurementTests
{
    private const int Areas = 1024;

    [LinuxTheory]
    [InlineData("nativemm", "default")]
    [InlineData("nativemm-lazy", "worker:100:pages")]
    [InlineData("nativemm-lazy", "workers:never:both")]
    [InlineData("nativemm-lazy", "caller:threshold:either")]
    [InlineData("unsorted", "default")]
    public void A_drain_lets_the_areas_wait_and_ends_with_nothing_outstanding(string variant, string policy)
    {
        IReadOnlyDictionary<string, double> found = Measure(VmallocExperiment.DrainCase(Of(variant), $"{Areas}", DrainLayout.Alternating, policy));

        Assert.InRange(found["purges"], 1, double.MaxValue);
        Assert.InRange(found["outstanding_max"], Areas / 2, 100 * Areas);
        Assert.InRange(found["hold_p999"], 1, found["hold_max"]);
        Assert.InRange(found["alloc_p999"], 1, found["alloc_max"]);
        Assert.InRange(found["free_p999"], 1, found["free_max"]);
        Assert.InRange(found["drain_ns"], 1, double.MaxValue);
    }

    [LinuxTheory]
    [InlineData("nativemm-lazy", DrainLayout.Alternating, 900_000)]
    [InlineData("unsorted", DrainLayout.Mergeable, 900_000)]
    [InlineData("nativemm-lazy", DrainLayout.Mergeable, 1)]
    public void A_drain_of_mapped_areas_counts_the_calls_that_unmap(string variant, string layout, double least)
    {
        IReadOnlyDictionary<string, double> found =
            Measure(VmallocExperiment.DrainCase(Of(variant), $"{Areas}", layout, "worker:100:pages", DrainMapping.Yes));

        // The second thread's own ranges are unmapped as well.
        Assert.InRange(found["unmaps_per_million_frees"], least, 100_000_000);
        Assert.InRange(found["free_max"], found["free_p999"], double.MaxValue);
    }

    [LinuxFact]
    public void An_unsorted_drain_gives_everything_back_in_one_hold()
    {
        IReadOnlyDictionary<string, double> found =
            Measure(VmallocExperiment.DrainCase(VmallocVariants.Unsorted, $"{Areas}", DrainLayout.Mergeable, PurgePolicyText.Default));

        Assert.InRange(found["outstanding_max"], Areas, double.MaxValue);
        Assert.InRange(found["hold_max"], 1, found["drain_ns"]);
    }

    [LinuxTheory]
    [InlineData("mmap", 1_000_000, 1_000_000)]
    [InlineData("nativemm-eager", 900_000, 1_000_000)]
    [InlineData("nativemm-lazy", 1, 900_000)]
    [InlineData("nativemm", 0, 1_000)]
    public void Flush_counts_the_calls_that_unmap(string variant, double least, double most)
    {
        IReadOnlyDictionary<string, double> found = Measure(VmallocExperiment.FlushCase(Of(variant), 1, "1000"));
        Assert.InRange(found["unmaps_per_million_frees"], least, most);
    }

    [LinuxTheory]
    [InlineData("nativemm")]
    [InlineData("nativemm-lazy")]
    [InlineData("unsorted")]
    public void A_storm_keeps_the_bound_and_loses_nothing(string variant)
    {
        Measurement storm = new StormMeasurement(Request(VmallocExperiment.StormCase(Of(variant), 2, PurgePolicyText.Default))).Measure();

        Assert.Equal(0, storm.Metrics["over_bound"]);
        Assert.Equal(0, storm.Metrics["frames_lost"]);
        Assert.Equal(0, storm.Metrics["ranges_lost"]);
        Assert.InRange(storm.Metrics["outstanding_max"], StormPlan.Small.LazyPagesMax, storm.Metrics["outstanding_bound"]);
        Assert.InRange(storm.Metrics["purges"], 1, double.MaxValue);
        Assert.NotEmpty(storm.Series["outstanding bytes"]);
        Assert.All(storm.Series["outstanding bytes"], p => Assert.InRange(p.Y, 0, StormPlan.Small.BoundPages * 4096));
    }

    [LinuxTheory]
    [InlineData("nativemm", VmallocTest.PerCore)]
    [InlineData("nativemm", VmallocTest.AlignShift)]
    [InlineData("unsorted", VmallocTest.MapRam)]
    public void A_test_of_the_kernels_module_counts_every_loop(string variant, string test)
    {
        IReadOnlyDictionary<string, double> found = Measure(VmallocExperiment.TestCase(Of(variant), 2, test, "4"));

        Assert.Equal(found["loops"], found["passed"] + found["failed"]);
        Assert.Equal(test == VmallocTest.AlignShift, found["failed"] > 0);
        Assert.InRange(found["ns_per_op"], 0.1, 1e9);
    }

    private static Variant Of(string name) => VmallocVariants.All.Single(v => v.Name == name);

    private static IReadOnlyDictionary<string, double> Measure(Case wanted) => new VmallocExperiment().Measure(Request(wanted)).Metrics;

    private static MeasurementRequest Request(Case wanted) => new(wanted, 0.01, Quick: true, Pin: false);
}
