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
        AxisScale scale = AxisScale.For([5, 10, 80], 100, "ns");
        Assert.False(scale.IsLogarithmic);
        Assert.Equal(0, scale.At(0));
        Assert.Equal(scale.At(80), 2 * scale.At(40), 6);
        Assert.InRange(scale.At(80), 75, 100);
    }

    [Fact]
    public void An_axis_is_logarithmic_when_they_are_far_apart()
    {
        AxisScale scale = AxisScale.For([5, 10, 3000], 100, "ns");
        Assert.True(scale.IsLogarithmic);
        Assert.Equal(scale.At(100) - scale.At(10), scale.At(1000) - scale.At(100), 6);
        Assert.True(scale.At(5) > 0);
        Assert.True(scale.At(3000) <= 100);
    }

    [Fact]
    public void All_zero_can_be_drawn() => Assert.Equal(0, AxisScale.For([0, 0], 100, "ns").At(0));

    [Fact]
    public void A_bar_chart_is_well_formed_and_shows_every_variant()
    {
        ResultGroup group = Assert.Single(ResultGroup.Of([Samples.Row(Samples.Heap("glibc"), 20), Samples.Row(Samples.Heap("nativemm"), 5)]));

        XElement svg = Bars(group, group);

        Assert.Equal(2, svg.Elements("rect").Count());
        Assert.Equal(["ours", "peer"], svg.Elements("rect").Select(r => r.Attribute("class")!.Value));
        Assert.Equal(6, svg.Elements("line").Count(l => l.Attribute("class")!.Value == "whisker"));
        Assert.Contains(svg.Elements("text"), t => t.Value == "5 ns");
        double[] widths = [.. svg.Elements("rect").Select(r => (double)r.Attribute("width")!)];
        Assert.Equal(4, widths[1] / widths[0], 1);
    }

    [Theory]
    [InlineData(new double[] { 9_000_000, 90_000_000 }, "0 B,32 MiB,64 MiB,96 MiB")]
    [InlineData(new double[] { 700, 5_000 }, "0 B,2 KiB,4 KiB,6 KiB")]
    [InlineData(new double[] { 1_000, 3e9 }, "512 B,16 KiB,512 KiB,16 MiB,512 MiB,16 GiB")]
    public void Ticks_of_bytes_are_round_as_bytes_are_written(double[] figures, string expected) =>
        Assert.Equal(expected, string.Join(',', AxisScale.For(figures, 100, "By").Ticks.Select(tick => QuantityText.Format(tick, "By"))));

    [Theory]
    [InlineData(2, 90)]
    [InlineData(1, 4_000_000)]
    [InlineData(0, 1e12)]
    public void Ticks_are_few_enough_to_be_read_and_hold_all_figures(double low, double high)
    {
        AxisScale scale = AxisScale.For([low, high], 100, "ns");
        Assert.InRange(scale.Ticks.Count, 2, 6);
        Assert.InRange(high, scale.Ticks[0], scale.Ticks[^1]);
        Assert.True(scale.At(high) > 0);
    }

    [Fact]
    public void Chart_says_what_is_better_and_nothing_lies_over_a_tick()
    {
        ResultGroup group = Assert.Single(ResultGroup.Of([Samples.Row(Samples.Heap("glibc"), 2000), Samples.Row(Samples.Heap("nativemm"), 5)]));
        XElement svg = Bars(group, group);
        XElement[] ticks = [.. svg.Elements("text").Where(t => t.Attribute("class")!.Value == "tick")];
        XElement says = Assert.Single(ticks, t => t.Value == "less is better, logarithmic");
        Assert.Equal(1, ticks.Count(t => (double)t.Attribute("y")! == (double)says.Attribute("y")!));
    }

    [Fact]
    public void Names_of_any_length_are_whole_and_a_chart_is_as_wide_as_a_telephone()
    {
        Case[] cases = [.. ExperimentRegistry.All.SelectMany(e => e.Variants.Select(v => new Case(e.Name, v.Name, 1, ParameterValues.None)))];
        foreach (Case one in cases)
        {
            MetricDefinition metric = ExperimentRegistry.Get(one.Experiment).Metrics[0];
            ResultGroup group = Assert.Single(ResultGroup.Of([Samples.Row(one, 5, metric.Name, metric.Unit)]));
            XElement svg = XElement.Parse(SvgBarChart.Draw(group, metric, SvgBarChart.ScaleFor([group], metric)!));
            Assert.InRange((double)svg.Attribute("width")!, 100, 343);
            XElement name = Assert.Single(svg.Elements("text"), t => t.Value == one.Variant);

            // Bold letters of this size are 8 wide at most on average.
            Assert.InRange((double)name.Attribute("x")! + (8 * one.Variant.Length), 0, 343);
        }
    }

    [Fact]
    public void Charts_beside_each_other_have_one_scale_and_name_their_parameters()
    {
        ResultRow[] rows =
        [
            Row("pair", "64", 5), Row("pair", "4096", 10), Row("batch", "64", 7),
        ];
        IReadOnlyList<IReadOnlyList<ResultGroup>> neighbours = ResultGroup.Neighbours(ResultGroup.Of(rows));
        Assert.Equal([2, 1], neighbours.Select(row => row.Count));
        Assert.Equal("pattern=pair size=64, 1 thread", neighbours[0][0].Title);
        double[] widths = [.. neighbours[0].Select(one => (double)Assert.Single(Bars(one, [.. neighbours[0]]).Elements("rect")).Attribute("width")!)];
        Assert.Equal(2, widths[1] / widths[0], 2);

        string page = HtmlReport.Format(Samples.Machine, new RunOutcome(rows, new Dictionary<Case, string>(), [], TimeSpan.Zero), []);
        Assert.Equal(3, page.Split("<figcaption>pattern=").Length - 1);
        Assert.Equal(2, page.Split("<div class=\"charts\">").Length - 1);
        Assert.Equal(page.Split("<table>").Length, page.Split("<div class=\"wide\"><table>").Length);

        static ResultRow Row(string pattern, string size, double ns) =>
            Samples.Row(new Case("heap", "nativemm", 1, ParameterValues.Of("pattern", pattern, "size", size)), ns);
    }

    [Fact]
    public void A_line_chart_is_well_formed_and_shows_every_point()
    {
        SeriesPoint[] points = [new(0, 100), new(1, 50), new(2, 10)];
        var row = new ResultRow(new Case("idle", "nativemm", 1, ParameterValues.None), [], 1, new Dictionary<string, IReadOnlyList<SeriesPoint>> { ["s"] = points });

        XElement svg = XElement.Parse(SvgLineChart.Draw(Assert.Single(ResultGroup.Of([row])), "s", "By", AxisScale.Linear(100, 180, "By")));

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
        Assert.Contains("<details open class=\"facts\"><summary>Machine", page, StringComparison.Ordinal);
        Assert.Contains(".facts td { overflow-wrap: anywhere; }", page, StringComparison.Ordinal);
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

    private static XElement Bars(ResultGroup group, params ResultGroup[] neighbours)
    {
        MetricDefinition metric = group.Experiment.Metrics[0];
        return XElement.Parse(SvgBarChart.Draw(group, metric, SvgBarChart.ScaleFor(neighbours, metric)!));
    }
}
