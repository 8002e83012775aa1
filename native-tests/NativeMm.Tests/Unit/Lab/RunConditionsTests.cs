using NativeMm.Lab.Harness;
using NativeMm.Lab.Reporting;
using Xunit;

namespace NativeMm.Tests.Unit.Lab;

public sealed class RunConditionsTests
{
    private static readonly MachineInfo s_machine = new([new("kernel", "6.1"), new("time", "2001-01-01")]);

    [Fact]
    public void A_file_says_how_it_was_made()
    {
        string file = Path.GetTempFileName();
        try
        {
            var made = new RunConditions(new RunSettings(0.5, 3, Quick: false, Pin: true), 0.251, null);
            File.WriteAllText(file, ResultFile.Format(s_machine, [], made));
            IReadOnlyDictionary<string, string> facts = ResultFile.ReadFacts(file);
            Assert.Equal(("6.1", "0.5", "3", "no", "yes"), (facts["kernel"], facts["seconds"], facts["repeat"], facts["quick"], facts["pin"]));
            Assert.Equal(("25 %", "unknown"), (facts["used_by_others_before"], facts["used_by_others_after"]));
            Assert.Empty(ResultFile.Read(file));
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Fact]
    public void What_differs_is_named_and_time_and_load_are_not()
    {
        var before = new Dictionary<string, string> { ["quick"] = "no", ["time"] = "1", ["used_by_others_before"] = "0 %", ["kernel"] = "6.1", ["old"] = "x" };
        var after = new Dictionary<string, string> { ["quick"] = "yes", ["time"] = "2", ["used_by_others_before"] = "9 %", ["kernel"] = "6.1", ["new"] = "y" };
        Assert.Equal("quick: no, then yes", Assert.Single(RunConditions.Differences(before, after)));
        Assert.Empty(RunConditions.Differences(after, after));
    }

    [Theory]
    [InlineData("cpu  10 20 30 400 5 6 7 8 90 100", 81, 486)]
    [InlineData("cpu  10 20 30 400 5 6", 66, 471)]
    public void The_use_of_processors_is_read_from_the_systems_ticks(string line, ulong busy, ulong total) =>
        Assert.Equal((busy, total), ProcessorUse.Parse(line));

    [Theory]
    [InlineData("")]
    [InlineData(null)]
    [InlineData("cpu0 10 20 30 400 5 6")]
    [InlineData("cpu 10 20 x 400 5 6")]
    [InlineData("cpu 10 20")]
    public void What_is_no_line_of_ticks_is_unknown(string? line) => Assert.Null(ProcessorUse.Parse(line));

    [Theory]
    [InlineData("{}", "\"schema\" is missing")]
    [InlineData("[]", "\"schema\" is missing")]
    [InlineData("{\"schema\":1}", "\"results\" is missing")]
    [InlineData("{\"schema\":1,\"results\":[{}]}", "\"parameters\" is missing")]
    public void What_is_missing_in_a_file_is_named(string text, string named)
    {
        FormatException problem = Assert.Throws<FormatException>(() => ResultFile.Parse(text));
        Assert.Contains(named, problem.Message, StringComparison.Ordinal);
    }
}
