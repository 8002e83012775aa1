using NativeMm.Lab.Harness;
using Xunit;

namespace NativeMm.Tests.Unit.Lab;

/// <summary>What a long run says of its length before it begins.</summary>
public sealed class ExpectedDurationTests
{
    [Theory]
    [InlineData(99, 0.1, null)]
    [InlineData(101, 0.1, "101 launches: 2 min at least.")]
    [InlineData(600, 0.5, "600 launches: 10 min at least.")]
    public void A_run_of_a_minute_and_more_says_how_long_it_takes_at_least(int launches, double seconds, string? expected) =>
        Assert.Equal(expected, ExpectedDuration.Text(launches, new RunSettings(seconds, null, Quick: false, Pin: true), budget: null));

    [Fact]
    public void A_run_that_stops_before_its_end_says_so() => Assert.Equal(
        "600 launches, as many of them as 2.5 min have room for.",
        ExpectedDuration.Text(600, new RunSettings(0.5, null, Quick: false, Pin: true), TimeSpan.FromMinutes(2.5)));
}
