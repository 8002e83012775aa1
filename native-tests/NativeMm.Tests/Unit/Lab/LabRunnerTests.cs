using NativeMm.Lab.Experiments;
using NativeMm.Lab.Harness;
using Xunit;

namespace NativeMm.Tests.Unit.Lab;

public sealed class LabRunnerTests
{
    private static readonly RunSettings s_settings = new(0.01, 3, Quick: true, Pin: true);

    [Fact]
    public void Rows_condense_all_launches_of_a_case()
    {
        Queue<double> figures = new([5, 1, 3]);
        RunOutcome outcome = Run(Enumerable.Repeat(Samples.Heap("glibc"), 3), _ => new Measurement().Add("ns_per_op", figures.Dequeue()));

        ResultRow row = Assert.Single(outcome.Rows);
        Assert.Equal(new Spread(1, 3, 5), row.Find("ns_per_op"));
        Assert.Equal(3, row.Launches);
    }

    [Fact]
    public void A_case_that_fails_is_not_launched_again_and_gives_no_row()
    {
        int launches = 0;
        RunOutcome outcome = Run(Enumerable.Repeat(Samples.Heap("glibc"), 3), _ =>
        {
            launches++;
            return Measurement.Failed("two\nlines");
        });

        Assert.Empty(outcome.Rows);
        Assert.Equal("two lines", outcome.Failures[Samples.Heap("glibc")]);
        Assert.Equal(1, launches);
    }

    [Fact]
    public void The_request_carries_the_settings_and_the_variants_environment()
    {
        MeasurementRequest? seen = null;
        IReadOnlyDictionary<string, string>? environment = null;
        var runner = new LabRunner(s_settings, (request, variables) =>
        {
            (seen, environment) = (MeasurementRequest.FromJson(request.ToJson()), variables);
            return new Measurement().Add("ns_per_op", 1);
        });
        runner.Run([Samples.Heap("nativemm-checked", 2)], (_, _, _) => { }, budget: null);

        Assert.Equal(new MeasurementRequest(Samples.Heap("nativemm-checked", 2), 0.01, Quick: true, Pin: true), seen);
        Assert.Equal("1", environment!["NATIVEMM_CHECKED"]);
    }

    [Fact]
    public void When_the_time_is_over_the_rest_is_left_out_with_one_line()
    {
        var runner = new LabRunner(s_settings, (_, _) => new Measurement().Add("ns_per_op", 1));
        RunOutcome outcome = runner.Run([Samples.Heap("glibc"), Samples.Heap("gc")], (_, _, _) => { }, TimeSpan.FromTicks(-1));

        Assert.Empty(outcome.Rows);
        Assert.StartsWith("2 of 2 cases are left out, because the time was over: heap 2.", Assert.Single(outcome.LeftOut), StringComparison.Ordinal);
    }

    [Fact]
    public void An_interrupt_ends_the_launches_and_leaves_what_was_measured()
    {
        bool came = false;
        int launches = 0;
        var runner = new LabRunner(s_settings, (_, _) =>
        {
            came = ++launches == 2;
            return came ? Measurement.Failed("the child was interrupted as well") : new Measurement().Add("ns_per_op", 1);
        });
        RunOutcome outcome = runner.Run([Samples.Heap("glibc"), Samples.Heap("gc"), Samples.Heap("glibc")], (_, _, _) => { }, budget: null, () => came);

        Assert.Equal((2, true, false), (launches, outcome.IsInterrupted, outcome.IsComplete));
        Assert.Equal(Samples.Heap("glibc"), Assert.Single(outcome.Rows).Case);
        Assert.Empty(outcome.Failures);
        Assert.Contains("launch 2 of 3: 1 of 2 cases have no figure", Assert.Single(outcome.LeftOut), StringComparison.Ordinal);
    }

    [Fact]
    public void A_child_that_was_interrupted_before_the_lab_knows_of_it_ends_the_launches()
    {
        RunOutcome outcome = Run([Samples.Heap("glibc"), Samples.Heap("gc")], _ => Measurement.Interrupted());

        Assert.True(outcome.IsInterrupted);
        Assert.Empty(outcome.Failures);
        Assert.Contains("launch 1 of 2", Assert.Single(outcome.LeftOut), StringComparison.Ordinal);
    }

    [Fact]
    public void The_second_interrupt_ends_the_lab()
    {
        using var interruption = new Interruption();
        Assert.False(interruption.Came);
        Assert.True(interruption.Take());
        Assert.True(interruption.Came);
        Assert.False(interruption.Take());
    }

    [Fact]
    public void A_measurement_travels_as_one_line()
    {
        Measurement sent = new Measurement().Add("a", 1.5).Add("b", 0).AddSeries("s", [new(0, 1), new(0.5, 2)]);
        string line = sent.ToJson();
        Measurement received = Measurement.FromJson(line);

        Assert.DoesNotContain('\n', line);
        Assert.Equal(sent.Metrics, received.Metrics);
        Assert.Equal(sent.Series["s"], received.Series["s"]);
        Assert.Equal("why", Measurement.FromJson(Measurement.Failed("why").ToJson()).Error);
        Assert.Throws<ArgumentOutOfRangeException>(() => sent.Add("c", double.NaN));
    }

    [Fact]
    public void A_child_process_measures_and_answers()
    {
        var request = new MeasurementRequest(Samples.Heap("glibc"), 0.01, Quick: true, Pin: true);
        Measurement found = ChildProcess.Launch(request, new Dictionary<string, string>());
        Assert.Null(found.Error);
        Assert.InRange(found.Metrics["ns_per_op"], 0.1, 100_000);
    }

    [Fact]
    public void A_child_process_that_fails_says_why()
    {
        var request = new MeasurementRequest(new Case("heap", "nonsense", 1, ParameterValues.Of("pattern", "pair", "size", "64")), 0.01, Quick: true, Pin: true);
        Measurement found = ChildProcess.Launch(request, new Dictionary<string, string>());
        Assert.Contains("nonsense", found.Error, StringComparison.Ordinal);
    }

    private static RunOutcome Run(IEnumerable<Case> launches, Func<MeasurementRequest, Measurement> launch) =>
        new LabRunner(s_settings, (request, _) => launch(request)).Run(launches, (_, _, _) => { }, budget: null);
}
