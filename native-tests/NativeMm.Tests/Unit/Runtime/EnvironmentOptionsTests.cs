using NativeMm.Runtime;
using NativeMm.Tests.Support;
using Xunit;

namespace NativeMm.Tests.Unit.Runtime;

/// <summary>What the environment sets in a program that has options of its own, and what it is told of variables without effect.</summary>
public sealed class EnvironmentOptionsTests
{
    private const string Known = "There are NATIVEMM_CHECKED, NATIVEMM_CHECKED_STACKS, NATIVEMM_SAMPLED, NATIVEMM_SAMPLED_INTERVAL.";

    [Theory]
    [InlineData("nothing")]
    [InlineData("shared")]
    [InlineData("shared-handler")]
    [InlineData("own")]
    public void The_environment_sets_what_the_options_do_not(string how)
    {
        ChildResult child = Run(how, 0, ("NATIVEMM_CHECKED", "1"), ("NATIVEMM_CHECKED_STACKS", "7"), ("NATIVEMM_SAMPLED", "1"), ("NATIVEMM_SAMPLED_INTERVAL", "9"));
        Assert.Equal(["checked: True, stacks: 7", "sampled: True, interval: 9", "double free: DoubleFree"], Lines(child.Output));
        Assert.Empty(child.Error);
    }

    [Fact]
    public void Options_that_say_no_win_over_the_environment_and_that_is_said()
    {
        ChildResult child = Run("shared-off", 2, ("NATIVEMM_CHECKED", "1"), ("NATIVEMM_SAMPLED", "true"));
        const string First = "NATIVEMM_CHECKED has no effect on the heap 'shared': the program's own CheckedOptions.Enabled is false.";
        const string Second = "NATIVEMM_SAMPLED has no effect on the heap 'shared': the program's own SampledOptions.Enabled is false.";
        Assert.Equal(["checked: False, stacks: 0", "sampled: False, interval: 5000"], Lines(child.Output).Where(line => !line.StartsWith("event", StringComparison.Ordinal)));
        Assert.Equal([$"event: {First}", $"event: {Second}"], Lines(child.Output).Where(line => line.StartsWith("event", StringComparison.Ordinal)));
        Assert.Equal([$"NativeMm: {First}", $"NativeMm: {Second}"], Lines(child.Error));
    }

    [Theory]
    [InlineData("shared")]
    [InlineData("own")]
    public void A_value_that_is_not_understood_is_an_error_with_options_too(string how)
    {
        ChildResult child = ChildProcess.Run("environment-options", [how, "0"], Variables([("NATIVEMM_SAMPLED", "perhaps")]));
        Assert.Equal(4, child.ExitCode);
        Assert.StartsWith("FormatException: NATIVEMM_SAMPLED is 'perhaps'", child.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("nothing", "shared")]
    [InlineData("own", "runtime")]
    public void Variables_without_effect_are_named_once_on_standard_error_and_by_events(string how, string heap)
    {
        ChildResult child = Run(how, 3, ("NATIVEMM_CHECK", "1"), ("NATIVEMM_CHECKED_STACKS", "1"), ("NATIVEMM_SAMPLED_INTERVAL", "100"));
        Assert.Equal(
            [
                $"NativeMm: the environment variable NATIVEMM_CHECK is not known and has no effect. {Known}",
                $"NativeMm: NATIVEMM_CHECKED_STACKS has no effect on the heap '{heap}': the checked mode is off. NATIVEMM_CHECKED=1 switches it on.",
                $"NativeMm: NATIVEMM_SAMPLED_INTERVAL has no effect on the heap '{heap}': sampling is off. NATIVEMM_SAMPLED=1 switches it on.",
            ],
            Lines(child.Error));
        Assert.Equal(3, Lines(child.Output).Count(line => line.StartsWith("event: ", StringComparison.Ordinal)));
    }

    [Fact]
    public void Only_what_has_no_effect_is_noted()
    {
        Assert.Empty(Notes(false, false, ("PATH", "x"), ("NATIVEMM_CHECKED", "0"), ("NATIVEMM_CHECKED_STACKS", "1"), ("NATIVEMM_SAMPLED", "False")));
        Assert.Empty(Notes(true, false, ("NATIVEMM_CHECKED", "1"), ("NATIVEMM_CHECKED_STACKS", "1"), ("NATIVEMM_SAMPLED", "1")));
        Assert.Empty(Notes(true, false, ("NATIVEMM_CHECKED_STACKS", "1")));
        Assert.Empty(Notes(false, true, ("NATIVEMM_SAMPLED_INTERVAL", "1")));
        Assert.Empty(Notes(false, false, ("NATIVEMM_CHECKED_STACKS", "0"), ("NATIVEMM_CHECKED_STACK", ""), ("NATIVEMM_RECORD", "file")));
        Assert.Contains("nativemm_checked is not known", Assert.Single(Notes(false, false, ("nativemm_checked", "1"))), StringComparison.Ordinal);
    }

    private static List<string> Notes(bool isChecked, bool isSampled, params (string Name, string Value)[] variables)
    {
        Dictionary<string, string> environment = Variables(variables);
        return EnvironmentNotes.Of(environment.Keys, environment.GetValueOrDefault, isChecked, isSampled, "shared");
    }

    private static ChildResult Run(string how, int notes, params (string Name, string Value)[] variables)
    {
        ChildResult child = ChildProcess.Run("environment-options", [how, $"{notes}"], Variables(variables));
        Assert.True(child.ExitCode == 0, $"{child.ExitCode}: {child.Output}{child.Error}");
        return child;
    }

    private static Dictionary<string, string> Variables((string Name, string Value)[] variables) =>
        variables.ToDictionary(variable => variable.Name, variable => variable.Value, StringComparer.Ordinal);

    private static string[] Lines(string text) => text.ReplaceLineEndings("\n").Split('\n', StringSplitOptions.RemoveEmptyEntries);
}
