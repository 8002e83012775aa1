using NativeMm.Heap.Checked;
using Xunit;

namespace NativeMm.Tests.Unit.Checked;

/// <summary>Options and the environment that sets them.</summary>
public sealed class CheckedOptionsTests
{
    [Theory]
    [InlineData(null, false)]
    [InlineData("", false)]
    [InlineData("0", false)]
    [InlineData("False", false)]
    [InlineData("1", true)]
    [InlineData(" true ", true)]
    public void The_environment_switches_the_mode(string? value, bool enabled) =>
        Assert.Equal(enabled, Parse(value, null).Enabled);

    [Theory]
    [InlineData(null, 0)]
    [InlineData("0", 0)]
    [InlineData("100", 100)]
    public void The_environment_sets_the_sampling_interval(string? value, int interval) =>
        Assert.Equal(interval, Parse("1", value).StackSampleInterval);

    [Theory]
    [InlineData("yes", null, "NATIVEMM_CHECKED is 'yes'")]
    [InlineData("2", null, "NATIVEMM_CHECKED is '2'")]
    [InlineData("1", "-1", "NATIVEMM_CHECKED_STACKS is '-1'")]
    [InlineData("1", "9999999999", "NATIVEMM_CHECKED_STACKS is '9999999999'")]
    [InlineData("1", "often", "NATIVEMM_CHECKED_STACKS is 'often'")]
    public void A_value_that_is_not_understood_is_named(string enabled, string? stacks, string message) =>
        Assert.Contains(message, Assert.Throws<FormatException>(() => Parse(enabled, stacks)).Message, StringComparison.Ordinal);

    [Fact]
    public void Values_out_of_range_are_named()
    {
        AssertRejects(new CheckedOptions { RedZoneBytes = 0 }, nameof(CheckedOptions.RedZoneBytes));
        AssertRejects(new CheckedOptions { RedZoneBytes = 65_537 }, nameof(CheckedOptions.RedZoneBytes));
        AssertRejects(new CheckedOptions { QuarantineBytesMax = -1 }, nameof(CheckedOptions.QuarantineBytesMax));
        AssertRejects(new CheckedOptions { StackSampleInterval = -1 }, nameof(CheckedOptions.StackSampleInterval));
        AssertRejects(new CheckedOptions { Leaks = (LeakPolicy)9 }, nameof(CheckedOptions.Leaks));
        new CheckedOptions().Validate();
    }

    private static void AssertRejects(CheckedOptions options, string name)
    {
        Assert.Equal(name, Assert.Throws<ArgumentOutOfRangeException>(options.Validate).ParamName);
        Assert.Throws<ArgumentOutOfRangeException>(() => new CheckedBlocks(new RawNativeHeap(), options));
    }

    private static CheckedOptions Parse(string? enabled, string? stacks) => CheckedOptions.FromEnvironment(name => name switch
    {
        "NATIVEMM_CHECKED" => enabled,
        "NATIVEMM_CHECKED_STACKS" => stacks,
        _ => throw new InvalidOperationException($"Nobody documents {name}."),
    });
}
