using NativeMm.Lab;
using NativeMm.Lab.Commands;
using NativeMm.Lab.Experiments;
using NativeMm.Lab.Experiments.Vmalloc;
using Xunit;

namespace NativeMm.Tests.Unit.Lab;

public sealed class VmallocPlanTests
{
    [Fact]
    public void Every_case_of_a_bar_and_of_the_tour_can_be_asked_for()
    {
        var experiment = new VmallocExperiment();
        IReadOnlyList<Case> all = Build(null, null);

        // The ideal that some are held against is a case of another experiment.
        Assert.All(experiment.Bars.SelectMany(b => b.Cases).Where(c => c.Experiment == experiment.Name), c => Assert.Contains(c, all));
        Assert.All(experiment.Tour.Cases, c => Assert.Contains(c, all));
        Assert.Equal(all.Count, all.Distinct().Count());
    }

    [Fact]
    public void Every_metric_of_a_bar_is_defined()
    {
        var experiment = new VmallocExperiment();
        Assert.All(experiment.Bars, b => Assert.Contains(experiment.Metrics, m => m.Name == b.Metric));
    }

    [Fact]
    public void Policies_are_compared_at_the_largest_number_of_areas_unless_they_are_asked_for()
    {
        IReadOnlyList<Case> swept = Build(["nativemm"], null, "test=drain");
        Assert.All(
            swept.Where(c => c.Parameters["policy"] != PurgePolicyText.Default && c.Parameters["mapped"] == DrainMapping.No),
            c => Assert.Equal("131072", c.Parameters["areas"]));
        Assert.Equal(PurgePolicyText.Sweep.Order(), swept.Select(c => c.Parameters["policy"]).Distinct().Order());
        Assert.Equal(["131072", "32768", "8192"], swept.Select(c => c.Parameters["areas"]).Distinct().Order());

        IReadOnlyList<Case> asked = Build(["nativemm"], null, "test=drain", "policy=caller:10:pages", "mapped=no");
        Assert.Equal(3 * 2, asked.Count);
    }

    [Fact]
    public void Areas_are_really_mapped_where_so_many_can_be_and_a_few_policies_are_compared()
    {
        IReadOnlyList<Case> mapped = Build(["nativemm"], null, "test=drain", "mapped=yes");
        Assert.NotEmpty(mapped);
        Assert.All(mapped, c => Assert.Equal("8192", c.Parameters["areas"]));
        Assert.Equal(PurgePolicyText.MappedSweep.Order(), mapped.Select(c => c.Parameters["policy"]).Distinct().Order());
        Assert.Single(Build(["nativemm-lazy"], null, "test=drain", "mapped=yes", "areas=2000", "layout=alternating", "policy=worker:10:pages"));
        Assert.Throws<LabUsageException>(() => Build(["nativemm"], null, "test=drain", "mapped=yes", "areas=32768"));
        Assert.Throws<LabUsageException>(() => Build(["nativemm"], null, "test=storm", "mapped=yes"));
    }

    [Fact]
    public void The_unsorted_list_has_no_policy_but_its_own()
    {
        IReadOnlyList<Case> cases = Build(["unsorted"], null, "test=drain,storm", "policy=caller:10:pages,worker:1:either", "mapped=no");
        Assert.NotEmpty(cases);
        Assert.All(cases, c => Assert.Equal(PurgePolicyText.Default, c.Parameters["policy"]));
        Assert.Equal((3 * 2) + 2, cases.Count);
    }

    [Fact]
    public void Who_does_not_wait_has_no_number_of_pages_that_may()
    {
        IReadOnlyList<Case> cases = Build(["mmap", "nativemm-eager", "nativemm"], [1], "test=flush");
        Assert.NotEmpty(cases);
        Assert.All(cases, c => Assert.Equal(c.Variant == "nativemm", c.Parameters["lazy_max"] is not null));
        Assert.Equal(2 + 3, cases.Count);
    }

    [Fact]
    public void Bare_mappings_run_what_they_can()
    {
        string?[] tests = [.. Build(["mmap"], [1]).Select(c => c.Parameters["test"])];
        Assert.Equal(VmallocTest.All.Except([VmallocTest.PerCore, VmallocTest.NoBlock, VmallocTest.Drain, VmallocTest.Storm]).Order(), tests.Order());
    }

    [Fact]
    public void Drain_is_left_out_where_it_does_not_fit_but_the_rest_is_run()
    {
        IReadOnlyList<Case> cases = Build(["nativemm"], [1], "test=drain,storm");
        Assert.Equal("storm", Assert.Single(cases).Parameters["test"]);
    }

    [Theory]
    [InlineData(1, 2, 65_530, false, 8_191, 15_000, 16_382)]
    [InlineData(2, 2, 65_530, false, 4_095, 8_191, 8_191)]
    [InlineData(1, 1, 1_000_000, false, 8_192, 15_000, 35_000)]
    [InlineData(1, 4, 1_000_000, true, 24_576 / 16, 15_000 / 16, 35_000 / 16)]
    [InlineData(256, 256, 64, true, 1, 1, 1)]
    public void What_stays_allocated_is_the_kernels_but_fits_the_mappings(
        int threads, int cores, int mappings, bool quick, int junkPairs, int busy, int perCore) =>
        Assert.Equal(new TestSizes(junkPairs, busy, perCore), TestSizes.Of(threads, cores, mappings, quick));

    private static IReadOnlyList<Case> Build(string[]? variants, int[]? threads, params string[] settings) =>
        new SelectionBuilder([ExperimentRegistry.Get("vmalloc")], variants, threads, settings).Cases();
}
