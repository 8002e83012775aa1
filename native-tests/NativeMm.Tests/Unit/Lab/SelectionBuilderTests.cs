using NativeMm.Lab.Commands;
using NativeMm.Lab.Experiments;
using Xunit;

namespace NativeMm.Tests.Unit.Lab;

public sealed class SelectionBuilderTests
{
    [Fact]
    public void Lists_and_repeated_settings_multiply()
    {
        IReadOnlyList<Case> cases = Build(["heap"], ["nativemm", "glibc"], [1, 2], "pattern=pair,mixed", "size=64", "size=128,64").Cases();

        Assert.Equal(2 * 2 * (2 + 1), cases.Count);
        Assert.Equal(cases.Count, cases.Distinct().Count());
        Assert.Contains(new Case("heap", "glibc", 2, ParameterValues.Of("pattern", "pair", "size", "128")), cases);
        Assert.Contains(new Case("heap", "nativemm", 1, ParameterValues.Of("pattern", "mixed")), cases);
    }

    [Fact]
    public void A_key_is_used_by_the_experiments_that_know_it()
    {
        IReadOnlyList<Case> cases = Build(["heap", "trace"], ["glibc"], [1], "size=64", "trace=sqlite").Cases();

        Assert.Contains(cases, c => c.Experiment == "heap" && c.Parameters["size"] is not null);
        Assert.All(cases.Where(c => c.Experiment == "heap" && c.Parameters["size"] is not null), c => Assert.Equal("64", c.Parameters["size"]));
        Assert.Equal("sqlite", Assert.Single(cases, c => c.Experiment == "trace").Parameters["trace"]);
    }

    [Fact]
    public void Remote_runs_only_on_whole_pairs_of_threads()
    {
        IReadOnlyList<Case> cases = Build(["heap"], ["glibc"], [1, 2, 3, 4], "pattern=remote", "size=64").Cases();
        Assert.Equal([2, 4], cases.Select(c => c.Threads));
    }

    [Fact]
    public void Parts_of_reporting_have_their_own_variants_threads_and_sizes()
    {
        IReadOnlyList<Case> cases = Build(["reporting"], ["off", "bits", "glibc"], [1, 2], "blocks=4096,16384").Cases();
        Assert.Equal(
        [
            new Case("reporting", "off", 1, ParameterValues.Of("part", "overhead")),
            new Case("reporting", "off", 2, ParameterValues.Of("part", "overhead")),
            new Case("reporting", "bits", 1, ParameterValues.Of("part", "scan", "blocks", "4096")),
            new Case("reporting", "bits", 1, ParameterValues.Of("part", "scan", "blocks", "16384")),
            new Case("reporting", "glibc", 1, ParameterValues.Of("part", "burst")),
        ],
        cases);
    }

    [Fact]
    public void The_burst_with_random_survivors_is_another_case_for_each_allocator()
    {
        IReadOnlyList<Case> cases = Build(["reporting"], ["nativemm", "glibc"], null, "part=burst", "survivors=first,random").Cases();
        Assert.Equal(
        [
            new Case("reporting", "nativemm", 1, ParameterValues.Of("part", "burst")),
            new Case("reporting", "glibc", 1, ParameterValues.Of("part", "burst")),
            new Case("reporting", "nativemm", 1, ParameterValues.Of("part", "burst", "survivors", "random")),
            new Case("reporting", "glibc", 1, ParameterValues.Of("part", "burst", "survivors", "random")),
        ],
        cases);
    }

    [Fact]
    public void Without_settings_every_default_is_planned_for_every_variant()
    {
        foreach (IExperiment experiment in ExperimentRegistry.All)
        {
            IReadOnlyList<Case> cases = Build([experiment.Name], null, null).Cases();
            Assert.Equal(experiment.Variants.Select(v => v.Name).Order(), cases.Select(c => c.Variant).Distinct().Order());
        }
    }

    private static SelectionBuilder Build(string[] experiments, string[]? variants, int[]? threads, params string[] settings) =>
        new([.. experiments.Select(ExperimentRegistry.Get)], variants, threads, settings);
}
