using NativeMm.Lab;
using NativeMm.Lab.Commands;
using NativeMm.Lab.Experiments;
using NativeMm.Lab.Experiments.Zsmalloc;
using Xunit;

namespace NativeMm.Tests.Unit.Lab;

/// <summary>Which cases the zsmalloc experiment makes of what the user asks for.</summary>
public sealed class ZsmallocExperimentTests
{
    private static readonly IExperiment s_experiment = ExperimentRegistry.Get("zsmalloc");

    [Fact]
    public void Every_part_is_measured_with_every_variant_that_takes_part()
    {
        Case[] cases = Cases(null, null);
        Assert.Equal(ZsPart.All.Order(), cases.Select(PartOf).Distinct().Order());
        Assert.Equal(s_experiment.Variants.Select(v => v.Name).Order(), cases.Select(c => c.Variant).Distinct().Order());
        Assert.Equal(cases.Length, cases.Distinct().Count());
        Assert.All(cases.Where(c => ZsPart.IsSingleThreaded(PartOf(c))), c => Assert.Equal(1, c.Threads));
        Assert.All(cases.Where(c => PartOf(c) == ZsPart.Compaction), c => Assert.NotEqual("0", c.Parameters["compactors"]));
    }

    [Fact]
    public void Only_the_parameters_of_a_part_are_in_its_cases() => Assert.All(Cases(null, null), c =>
    {
        Assert.Equal(ZsPart.HasCompactors(PartOf(c)), c.Parameters["compactors"] is not null);
        Assert.Equal(ZsPart.HasSize(PartOf(c)), c.Parameters["size"] is not null);
    });

    [Fact]
    public void Parts_that_run_on_one_thread_are_left_out_of_a_run_with_two() =>
        Assert.DoesNotContain(Cases(null, [2]), c => ZsPart.IsSingleThreaded(PartOf(c)));

    [Fact]
    public void Bars_and_tour_are_cases_that_a_run_has_and_metrics_that_are_defined()
    {
        Case[] all = Cases(null, [1, 2]);

        // The ideal that some are held against is a case of another experiment.
        IEnumerable<Case> own = s_experiment.Bars.SelectMany(b => b.Cases).Where(c => c.Experiment == s_experiment.Name);
        Assert.All(own.Concat(s_experiment.Tour.Cases), c => Assert.Contains(c, all));
        Assert.All(s_experiment.Bars, b => Assert.Contains(s_experiment.Metrics, m => m.Name == b.Metric));
        Assert.Equal(s_experiment.Bars.Count, s_experiment.Bars.Select(b => b.What).Distinct().Count());
    }

    private static string PartOf(Case planned) => planned.Parameters["part"]!;

    private static Case[] Cases(string[]? variants, int[]? threads) => [.. new SelectionBuilder([s_experiment], variants, threads, []).Cases()];
}
