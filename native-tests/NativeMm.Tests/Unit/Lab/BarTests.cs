using NativeMm.Lab.Experiments;
using NativeMm.Lab.Harness;
using Xunit;

namespace NativeMm.Tests.Unit.Lab;

public sealed class BarTests
{
    private static readonly Case s_ours = new("heap", "nativemm", 1, ParameterValues.Of("pattern", "pair", "size", "64"));
    private static readonly Case s_peer = s_ours with { Variant = "glibc" };

    [Theory]
    [InlineData(4, 10, true)]
    [InlineData(5, 10, true)]
    [InlineData(5.01, 10, false)]
    public void At_most_compares_the_ratio_of_medians(double ours, double peer, bool met)
    {
        BarVerdict verdict = BarVerdict.Of(Bar.AtMostTimes(0.5, s_ours, s_peer, "ns_per_op"), Outcome((s_ours, ours), (s_peer, peer)));
        Assert.Equal(ours / peer, verdict.Figure);
        Assert.Equal(met, verdict.IsMet);
        Assert.Equal(met ? "met" : "missed", verdict.Text);
    }

    [Theory]
    [InlineData(19, 10, true)]
    [InlineData(18.9, 10, false)]
    public void At_least_is_the_other_way_round(double ours, double peer, bool met) =>
        Assert.Equal(met, BarVerdict.Of(Bar.AtLeastTimes(1.9, s_ours, s_peer, "ns_per_op"), Outcome((s_ours, ours), (s_peer, peer))).IsMet);

    [Theory]
    [InlineData(40, true)]
    [InlineData(41, false)]
    public void A_figure_can_stand_alone(double ours, bool met) =>
        Assert.Equal(met, BarVerdict.Of(Bar.AtMostValue(40, s_ours, "ns_per_op"), Outcome((s_ours, ours))).IsMet);

    [Theory]
    [InlineData(0.9, 0.8, true)]
    [InlineData(1.0, 0.8, false)]
    [InlineData(0.5, 1.4, true)]
    public void A_geometric_mean_lets_one_ratio_make_up_for_another(double first, double second, bool met)
    {
        Case ours = s_ours with { Threads = 2 };
        Case peer = s_peer with { Threads = 2 };
        Bar bar = Bar.GeometricMeanAtMost(0.85, "two", [(s_ours, s_peer), (ours, peer)], "ns_per_op");
        BarVerdict verdict = BarVerdict.Of(bar, Outcome((s_ours, first), (s_peer, 1), (ours, 30 * second), (peer, 30)));

        Assert.Equal(Math.Sqrt(first * second), verdict.Figure!.Value, 1e-9);
        Assert.Equal(met, verdict.IsMet);
        Assert.Equal([s_ours, s_peer, ours, peer], bar.Cases);
    }

    [Fact]
    public void A_geometric_mean_of_which_one_ratio_is_missing_is_not_measured()
    {
        Case ours = s_ours with { Threads = 2 };
        Bar bar = Bar.GeometricMeanAtMost(0.85, "two", [(s_ours, s_peer), (ours, s_peer with { Threads = 2 })], "ns_per_op");
        Assert.False(BarVerdict.Of(bar, Outcome((s_ours, 1), (s_peer, 10), (ours, 1))).IsMet);
    }

    [Theory]
    [InlineData(19, 2.0, true)]
    [InlineData(17, 2.0, false)]
    [InlineData(15, 1.5, true)]
    public void Scaling_is_held_against_what_the_machine_can_do(double two, double ideal, bool met)
    {
        Case ours = s_ours with { Threads = 2 };
        Case peer = s_peer with { Threads = 2 };
        Bar bar = Bar.AtLeastOfIdeal(0.95, (ours, s_ours), (peer, s_peer), "ns_per_op");
        BarVerdict verdict = BarVerdict.Of(bar, Outcome((s_ours, 10), (ours, two), (s_peer, 100), (peer, 100 * ideal)));

        Assert.Equal(two / 10 / ideal, verdict.Figure!.Value, 1e-9);
        Assert.Equal(met, verdict.IsMet);
        Assert.Equal(4, bar.Cases.Count());
        Assert.EndsWith(", of the glibc's", bar.What, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(5, 8, "met")]
    [InlineData(6, 8, "met by heap pair 64, 1 thread, ns_per_op: glibc: 8")]
    [InlineData(6, 9, "missed")]
    public void Another_row_may_be_as_good(double ours, double peer, string text)
    {
        Bar bar = Bar.AtMostValue(5, s_ours, "ns_per_op").Or(Bar.AtMostValue(8, s_peer, "ns_per_op"));
        BarVerdict verdict = BarVerdict.Of(bar, Outcome((s_ours, ours), (s_peer, peer)));

        Assert.Equal((text, text != "missed", ours), (verdict.Text, verdict.IsMet, verdict.Figure!.Value));
        Assert.Equal([s_ours, s_peer], bar.Cases);
        Assert.Equal("met", BarVerdict.Of(bar, Outcome((s_ours, 5))).Text);
        Assert.False(BarVerdict.Of(bar, Outcome((s_ours, 6))).IsMet);
    }

    [Fact]
    public void A_row_says_what_is_held_against_what()
    {
        Bar flat = Bar.AtMostTimes(1.15, s_ours, s_ours with { Parameters = ParameterValues.Of("pattern", "pair", "size", "16") }, "ns_per_op");
        Assert.Equal("heap pair 64 to pair 16, 1 thread, ns_per_op: nativemm", flat.What);
        Assert.Equal("heap pair 64, 1 thread, ns_per_op: nativemm to glibc", Bar.AtMostTimes(1, s_ours, s_peer, "ns_per_op").What);
    }

    [Fact]
    public void What_was_not_measured_is_not_met_and_says_why()
    {
        Bar bar = Bar.AtMostTimes(0.5, s_ours, s_peer, "ns_per_op");
        RunOutcome failed = Outcome((s_ours, 1)) with { Failures = new Dictionary<Case, string> { [s_peer] = "it crashed" } };

        Assert.False(BarVerdict.Of(bar, failed).IsMet);
        Assert.Contains("it crashed", BarVerdict.Of(bar, failed).Text, StringComparison.Ordinal);
        Assert.Contains("gave no ns_per_op", BarVerdict.Of(bar, Outcome((s_ours, 1))).Text, StringComparison.Ordinal);
    }

    [Fact]
    public void Figures_that_are_no_numbers_meet_nothing()
    {
        Assert.False(Bar.AtMostValue(40, s_ours, "ns_per_op").IsMetBy(double.NaN));
        Assert.False(Bar.AtLeastTimes(1, s_ours, s_peer, "ns_per_op").IsMetBy(double.NaN));
    }

    [Fact]
    public void Every_bar_names_a_variant_a_metric_and_parameters_that_exist()
    {
        foreach (IExperiment experiment in ExperimentRegistry.All)
        {
            // Those two explain figures and help to choose; all others promise something.
            Assert.Equal(experiment.Name is "locality" or "codec", experiment.Bars.Count == 0);
            foreach (Bar bar in experiment.Bars)
            {
                Assert.Contains(experiment.Metrics, m => m.Name == bar.Metric);
                Assert.All(bar.Cases, c => AssertExists(ExperimentRegistry.Get(c.Experiment), c));
                Assert.Contains(bar.Cases, c => c.Experiment == experiment.Name);
            }

            Assert.All(experiment.Tour.Cases, c => AssertExists(experiment, c));
        }
    }

    private static void AssertExists(IExperiment experiment, Case asked)
    {
        Assert.Equal(experiment.Name, asked.Experiment);
        Assert.Contains(experiment.Variants, v => v.Name == asked.Variant);
        foreach ((string key, string value) in asked.Parameters.Pairs)
        {
            ParameterDefinition parameter = Assert.Single(experiment.Parameters, p => p.Name == key);
            Assert.Equal(value, parameter.Normalize(value));
        }
    }

    private static RunOutcome Outcome(params (Case Case, double Median)[] rows) => new(
        [.. rows.Select(r => Samples.Row(r.Case, r.Median))], new Dictionary<Case, string>(), [], TimeSpan.Zero);
}
