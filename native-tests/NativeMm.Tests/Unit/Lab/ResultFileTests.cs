using System.Text.Json;
using NativeMm.Lab.Experiments;
using NativeMm.Lab.Harness;
using NativeMm.Lab.Reporting;
using Xunit;

namespace NativeMm.Tests.Unit.Lab;

public sealed class ResultFileTests
{
    [Theory]
    [InlineData("ns_per_op", 100, 106, true)]
    [InlineData("ns_per_op", 100, 104, false)]
    [InlineData("ns_per_op", 106, 100, false)]
    public void A_figure_is_worse_when_it_is_so_by_more_than_a_part(string metric, double before, double after, bool isWorse)
    {
        var change = new ResultChange(Samples.Heap("nativemm"), metric, "ns", new Spread(before, before, before), new Spread(after, after, after));
        Assert.Equal(isWorse, change.IsWorseBy(0.05));
    }

    [Fact]
    public void Of_a_figure_that_is_better_when_it_is_more_less_is_worse()
    {
        (IExperiment experiment, MetricDefinition metric) = ExperimentRegistry.All
            .SelectMany(e => e.Metrics.Where(m => !m.LowerIsBetter).Select(m => (e, m))).First();
        var which = new Case(experiment.Name, "nativemm", 1, ParameterValues.Of("a", "b"));
        Assert.True(ChangeOf(100, 90).IsWorseBy(0.05));
        Assert.False(ChangeOf(90, 100).IsWorseBy(0.05));

        // Not when the spreads meet.
        Assert.False(new ResultChange(which, metric.Name, metric.Unit, new Spread(80, 100, 110), new Spread(70, 85, 90)).IsWorseBy(0.05));

        ResultChange ChangeOf(double before, double after) =>
            new(which, metric.Name, metric.Unit, new Spread(before, before, before), new Spread(after, after, after));
    }

    [Fact]
    public void The_schema_is_the_documented_one()
    {
        string text = ResultFile.Format(Samples.Machine, [Samples.Row(Samples.Heap("nativemm", 2), 8)]);

        using JsonDocument document = JsonDocument.Parse(text);
        JsonElement root = document.RootElement;
        Assert.Equal(["schema", "machine", "run", "results"], Names(root));
        Assert.Equal(1, root.GetProperty("schema").GetInt32());
        Assert.Equal("Some <Processor> & co", root.GetProperty("machine").GetProperty("processor").GetString());
        JsonElement row = root.GetProperty("results")[0];
        Assert.Equal(["experiment", "variant", "threads", "parameters", "metrics"], Names(row));
        Assert.Equal(("heap", "nativemm", 2), (row.GetProperty("experiment").GetString(), row.GetProperty("variant").GetString(), row.GetProperty("threads").GetInt32()));
        Assert.Equal("64", row.GetProperty("parameters").GetProperty("size").GetString());
        JsonElement metric = row.GetProperty("metrics").GetProperty("ns_per_op");
        Assert.Equal(["unit", "min", "median", "max"], Names(metric));
        Assert.Equal(("ns", 4, 8, 16), (
            metric.GetProperty("unit").GetString(),
            metric.GetProperty("min").GetDouble(),
            metric.GetProperty("median").GetDouble(),
            metric.GetProperty("max").GetDouble()));
    }

    [Fact]
    public void What_was_written_is_read_back()
    {
        ResultRow[] rows = [Samples.Row(Samples.Heap("nativemm"), 8), Samples.Row(Samples.Heap("glibc", 2, "4096"), 1.0 / 3)];

        IReadOnlyList<ResultRow> read = ResultFile.Parse(ResultFile.Format(Samples.Machine, rows));

        Assert.Equal(rows.Select(r => r.Case), read.Select(r => r.Case));
        Assert.Equal(rows.SelectMany(r => r.Metrics), read.SelectMany(r => r.Metrics));
    }

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("{\"schema\":2,\"results\":[]}")]
    [InlineData("{\"schema\":1,\"results\":[{}]}")]
    [InlineData("{\"schema\":1,\"results\":[{\"experiment\":null,\"variant\":\"a\",\"threads\":1,\"parameters\":{},\"metrics\":{}}]}")]
    [InlineData("{\"schema\":1,\"results\":[{\"experiment\":\"heap\",\"variant\":\"a\",\"threads\":1.5,\"parameters\":{},\"metrics\":{}}]}")]
    [InlineData("{\"schema\":1,\"results\":[{\"experiment\":\"heap\",\"variant\":\"a\",\"threads\":1,\"parameters\":{},\"metrics\":{\"x\":{\"unit\":\"ns\"}}}]}")]
    [InlineData("{\"schema\":1,\"results\":[{\"experiment\":\"heap\",\"variant\":\"a\",\"threads\":1,\"parameters\":{},\"metrics\":{\"x\":{\"unit\":\"ns\",\"min\":1,\"median\":1e999,\"max\":1}}}]}")]
    public void Anything_else_is_refused_in_one_line_that_names_the_file(string content)
    {
        string path = Path.GetTempFileName();
        try
        {
            File.WriteAllText(path, content);
            InvalidDataException refusal = Assert.Throws<InvalidDataException>(() => ResultFile.Read(path));
            Assert.StartsWith(path, refusal.Message, StringComparison.Ordinal);
            Assert.DoesNotContain('\n', refusal.Message);
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public void The_same_row_twice_is_refused()
    {
        ResultRow row = Samples.Row(Samples.Heap("nativemm"), 8);
        Assert.Throws<FormatException>(() => ResultFile.Parse(ResultFile.Format(Samples.Machine, [row, row])));
    }

    [Fact]
    public void Compare_matches_rows_and_says_whether_spreads_overlap()
    {
        ResultRow[] before = [Samples.Row(Samples.Heap("nativemm"), 10), Samples.Row(Samples.Heap("glibc"), 10), Samples.Row(Samples.Heap("gc"), 1)];
        ResultRow[] after = [Samples.Row(Samples.Heap("glibc"), 50), Samples.Row(Samples.Heap("nativemm"), 20), Samples.Row(Samples.Heap("mimalloc"), 1)];

        IReadOnlyList<ResultChange> changes = ResultChange.Between(before, after);

        Assert.Equal(["nativemm", "glibc"], changes.Select(c => c.Case.Variant));
        Assert.Equal([2.0, 5.0], changes.Select(c => c.Ratio));
        Assert.Equal([true, false], changes.Select(c => c.SpreadsOverlap));
    }

    [Fact]
    public void What_only_one_file_has_is_named()
    {
        ResultRow[] before = [Samples.Row(Samples.Heap("nativemm"), 10), Samples.Row(Samples.Heap("glibc"), 10)];
        ResultRow[] after = [Samples.Row(Samples.Heap("nativemm"), 10), Samples.Row(Samples.Heap("glibc"), 10, "ops_per_second", "1/s"), Samples.Row(Samples.Heap("gc"), 1)];

        Assert.Equal([Samples.Heap("glibc").ToString()], ResultChange.Missing(before, after));
        Assert.Equal([Samples.Heap("glibc").ToString(), Samples.Heap("gc").ToString()], ResultChange.Missing(after, before));
        ResultRow both = after[1] with { Metrics = [.. before[1].Metrics, .. after[1].Metrics] };
        Assert.Equal([$"ops_per_second of {both.Case}"], ResultChange.Missing([both], [before[1]]));
        Assert.Empty(ResultChange.Missing(before, before));
    }

    [Theory]
    [InlineData(10, 15, "overlap")]
    [InlineData(10, 100, "apart, worse")]
    [InlineData(100, 10, "apart, better")]
    public void A_change_is_said_to_be_for_the_better_or_the_worse(double before, double after, string text) =>
        Assert.Equal(text, Assert.Single(ResultChange.Between([Samples.Row(Samples.Heap("nativemm"), before)], [Samples.Row(Samples.Heap("nativemm"), after)])).Text);

    [Fact]
    public void What_only_explains_is_neither_worse_nor_missing()
    {
        ResultRow[] before = [Samples.Row(Samples.Heap("nativemm"), 10, "depot_waits_at", "By")];
        ResultRow[] after = [Samples.Row(Samples.Heap("nativemm"), 1000, "depot_waits_at", "By")];
        ResultChange change = Assert.Single(ResultChange.Between(before, after));
        Assert.Equal((false, "apart"), (change.IsWorseBy(0.05), change.Text));
        ResultRow both = before[0] with { Metrics = [.. before[0].Metrics, .. Samples.Row(before[0].Case, 1).Metrics] };
        Assert.Empty(ResultChange.Missing([both], [Samples.Row(before[0].Case, 1)]));
        Assert.Equal(1, new ResultChange(before[0].Case, "depot_waits_per_million", "1", new Spread(0, 0, 0), new Spread(0, 0, 0)).Ratio);
    }

    [Fact]
    public void The_order_of_parameters_does_not_matter_to_compare()
    {
        Case one = new("heap", "a", 1, ParameterValues.Of("x", "1", "y", "2"));
        Case other = one with { Parameters = ParameterValues.Of("y", "2", "x", "1") };
        Assert.Single(ResultChange.Between([Samples.Row(one, 1)], [Samples.Row(other, 1)]));
    }

    [Fact]
    public void A_trace_file_is_the_same_wherever_it_lies()
    {
        Case here = new("trace", "a", 1, ParameterValues.Of("trace", "/here/x.nmtrace.gz"));
        Case there = here with { Parameters = ParameterValues.Of("trace", "/there/deep/x.nmtrace.gz") };
        Case other = here with { Parameters = ParameterValues.Of("trace", "/there/y.nmtrace.gz") };
        Assert.Equal(2.0, Assert.Single(ResultChange.Between([Samples.Row(here, 1)], [Samples.Row(there, 2), Samples.Row(other, 3)])).Ratio);
    }

    private static string[] Names(JsonElement element) => [.. element.EnumerateObject().Select(p => p.Name)];
}
