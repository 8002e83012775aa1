using NativeMm.Heap.Sampled;
using Xunit;

namespace NativeMm.Tests.Unit.Heap.Sampled;

/// <summary>Options and the environment that sets them.</summary>
public sealed class SampledOptionsTests
{
    [Theory]
    [InlineData(null, null, false, 5000)]
    [InlineData("", "", false, 5000)]
    [InlineData("0", "7", false, 7)]
    [InlineData("False", null, false, 5000)]
    [InlineData("1", " 100 ", true, 100)]
    [InlineData(" true ", "2147483647", true, int.MaxValue)]
    public void The_environment_sets_switch_and_interval(string? enabled, string? interval, bool isOn, int value)
    {
        SampledOptions options = Parse(enabled, interval);
        Assert.Equal((isOn, value), (options.Enabled, options.Interval));
        options.Validate();
    }

    [Theory]
    [InlineData("yes", null, "NATIVEMM_SAMPLED is 'yes'")]
    [InlineData("2", null, "NATIVEMM_SAMPLED is '2'")]
    [InlineData("1", "0", "NATIVEMM_SAMPLED_INTERVAL is '0'")]
    [InlineData("1", "often", "NATIVEMM_SAMPLED_INTERVAL is 'often'")]
    [InlineData("1", "9999999999", "NATIVEMM_SAMPLED_INTERVAL is '9999999999'")]
    public void A_value_that_is_not_understood_is_named(string enabled, string? interval, string message) =>
        Assert.Contains(message, Assert.Throws<FormatException>(() => Parse(enabled, interval)).Message, StringComparison.Ordinal);

    private static SampledOptions Parse(string? enabled, string? interval) => SampledOptions.FromEnvironment(name => name switch
    {
        "NATIVEMM_SAMPLED" => enabled,
        "NATIVEMM_SAMPLED_INTERVAL" => interval,
        _ => throw new InvalidOperationException($"Nobody documents {name}."),
    });
}
