using System.Xml.Linq;
using NativeMm.Lab.Experiments;
using NativeMm.Lab.Harness;
using NativeMm.Lab.Reporting;
using Xunit;

namespace NativeMm.Tests.Unit.Lab;

public sealed class ReportTests
{
    [Theory]
    [InlineData(0, "ns", "0 ns")]
    [InlineData(4.056, "ns", "4.06 ns")]
    [InlineData(1234, "ns", "1.23 µs")]
    [InlineData(0.1234, "ns", "0.123 ns")]
    [InlineData(1536, "By", "1.50 KiB")]
    [InlineData(41943040, "By", "40 MiB")]
    [InlineData(136302799, "1/s", "136 M/s")]
    [InlineData(12.34, "%", "12.3 %")]
    [InlineData(7, "1", "7")]
    [InlineData(1.5e9, "By/s", "1.50 GB/s")]
    public void Figures_have_three_digits_and_a_prefix(double value, string unit, string expected) => Assert.Equal(expected, QuantityText.Format(value, unit));

    [Fact]
    public void An_axis_is_linear_from_zero_while_the_figures_are_close()
    {
        AxisScale scale = AxisScale.For([5, 10, 80], 100);
        Assert.False(scale.IsLogarithmic);
        Assert.Equal(0, scale.At(0));
        Assert.Equal(scale.At(80), 2 * scale.At(40), 6);
        Assert.InRange(scale.At(80), 75, 100);
    }

    [Fact]
    public void An_axis_is_logarithmic_when_they_are_far_apart()
    {
        AxisScale scale = AxisScale.For([5, 10, 3000], 100);
        Assert.True(scale.IsLogarithmic);
        Assert.Equal(scale.At(100) - scale.At(10), scale.At(1000) - scale.At(100), 6);
        Assert.True(scale.At(5) > 0);
        Assert.True(scale.At(3000) <= 100);
    }

    [Fact]
    public void All_zero_can_be_drawn() => Assert.Equal(0, AxisScale.For([0, 0], 100).At(0));

    [Fact]
    public void A_bar_chart_is_well_formed_and_shows_every_variant()
    {
        ResultGroup group = Assert.Single(ResultGroup.Of([Samples.Row(Samples.Heap("glibc"), 20), Samples.Row(Samples.Heap("nativemm"), 5)]));

        XElement svg = XElement.Parse(SvgBarChart.Draw(group, group.Experiment.Metrics[0]));

        Assert.Equal(2, svg.Elements("rect").Count());
        Assert.Equal(["ours", "peer"], svg.Elements("rect").Select(r => r.Attribute("class")!.Value));
        Assert.Equal(6, svg.Elements("line").Count(l => l.Attribute("class")!.Value == "whisker"));
        Assert.Contains(svg.Elements("text"), t => t.Value == "5 ns");
        double[] widths = [.. svg.Elements("rect").Select(r => (double)r.Attribute("width")!)];
        Assert.Equal(4, widths[1] / widths[0], 1);
    }

    [Fact]
    public void A_line_chart_is_well_formed_and_shows_every_point()
    {
        SeriesPoint[] points = [new(0, 100), new(1, 50), new(2, 10)];
        var row = new ResultRow(new Case("idle", "nativemm", 1, ParameterValues.None), [], 1, new Dictionary<string, IReadOnlyList<SeriesPoint>> { ["s"] = points });

        XElement svg = XElement.Parse(SvgLineChart.Draw(Assert.Single(ResultGroup.Of([row])), "s", "By"));

        Assert.Equal(3, Assert.Single(svg.Elements("polyline")).Attribute("points")!.Value.Split(' ').Length);
    }

    [Fact]
    public void A_picture_of_curves_stands_alone_and_has_the_unit_of_its_experiment()
    {
        SeriesPoint[] points = [new(0, 2e6), new(0.25, 0)];
        ParameterValues parameters = ParameterValues.Of("gib", "4", "values", "compressible", "rate", "2000");
        ResultRow[] rows = [.. ((string[])["nativemm", "managed"]).Select(variant => new ResultRow(
            new Case("service", variant, 1, parameters), [], 1, new Dictionary<string, IReadOnlyList<SeriesPoint>> { ["longest pause"] = points }))];

        (string name, string text) = Assert.Single(CurvePictures.Of(rows));

        Assert.Equal("service-longest-pause-4-compressible-2000.svg", name);
        XNamespace svg = "http://www.w3.org/2000/svg";
        var picture = XElement.Parse(text);
        Assert.Equal(svg + "svg", picture.Name);
        Assert.Equal(2, picture.Elements(svg + "polyline").Count());
        Assert.Contains(".curve.ours", Assert.Single(picture.Elements(svg + "style")).Value, StringComparison.Ordinal);
        Assert.Contains(picture.Elements(svg + "text"), label => label.Value == "500 µs");
    }

    [Fact]
    public void The_page_stands_alone_and_escapes_what_it_quotes()
    {
        var outcome = new RunOutcome(
            [Samples.Row(Samples.Heap("nativemm"), 5), Samples.Row(Samples.Heap("glibc"), 500)],
            new Dictionary<Case, string> { [Samples.Heap("gc")] = "<b>bad</b>" },
            ["mimalloc is left out"],
            TimeSpan.Zero);
        Bar bar = Bar.AtMostTimes(0.5, Samples.Heap("nativemm"), Samples.Heap("glibc"), "ns_per_op");

        string page = HtmlReport.Format(Samples.Machine, outcome, [BarVerdict.Of(bar, outcome)]);

        Assert.Contains("Some &lt;Processor&gt; &amp; co", page, StringComparison.Ordinal);
        Assert.DoesNotContain("<b>bad</b>", page, StringComparison.Ordinal);
        Assert.Contains("mimalloc is left out", page, StringComparison.Ordinal);
        Assert.Contains("<svg", page, StringComparison.Ordinal);
        Assert.Contains("0.01 ×", page, StringComparison.Ordinal);
        Assert.DoesNotContain("http", page, StringComparison.Ordinal);
        Assert.DoesNotContain("<script", page, StringComparison.Ordinal);
    }

    [Fact]
    public void A_part_of_an_experiment_is_shown_by_the_metrics_that_it_has()
    {
        var scan = new Case("reporting", "bits", 1, ParameterValues.Of("part", "scan", "blocks", "4096"));
        RunOutcome outcome = new([Samples.Row(scan, 1.01, "exponent", "1")], new Dictionary<Case, string>(), [], TimeSpan.Zero);

        Assert.Equal("exponent", Assert.Single(ResultGroup.Of(outcome.Rows)).Headline?.Name);
        Assert.Null(Assert.Single(ResultGroup.Of([Samples.Row(scan, 7, "scan_ns_1k")])).Headline);
        string page = HtmlReport.Format(Samples.Machine, outcome, []);
        Assert.Contains("<h3>exponent: ", page, StringComparison.Ordinal);
        Assert.DoesNotContain("<h3>ns_per_op: ", page, StringComparison.Ordinal);
    }

    [Fact]
    public void The_best_peer_is_the_best_for_the_metric_and_never_our_own_or_a_yardstick()
    {
        ResultRow[] rows = [.. new (string, double)[] { ("nativemm", 1), ("glibc", 30), ("mimalloc", 20), ("native-mimalloc", 10) }
            .Select(p => Samples.Row(new Case("trace", p.Item1, 1, ParameterValues.Of("trace", "sqlite")), p.Item2))];
        ResultGroup group = Assert.Single(ResultGroup.Of(rows));
        MetricDefinition metric = group.Experiment.Metrics[0];
        Assert.Equal(20, group.BestPeer(metric));
        Assert.Equal(30, group.BestPeer(metric with { LowerIsBetter = false }));
    }
}
