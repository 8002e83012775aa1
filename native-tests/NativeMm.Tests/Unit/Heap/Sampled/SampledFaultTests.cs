using System.Text.RegularExpressions;
using NativeMm.Tests.Support;
using Xunit;

namespace NativeMm.Tests.Unit.Heap.Sampled;

/// <summary>A touch of what is forbidden stops the process, with the stacks of the block, whoever touches it.</summary>
public sealed partial class SampledFaultTests
{
    [LinuxTheory]
    [InlineData("overrun", "an overrun if it lies past the end")]
    [InlineData("underrun", "an underrun if before")]
    [InlineData("use-after-free", "a use after free")]
    [InlineData("native", "a use after free")]
    public void A_forbidden_touch_is_named_with_the_stacks_of_the_block(string mistake, string what)
    {
        ChildResult child = ChildProcess.Run("sampled-fault", [mistake]);
        Assert.True(child.DiedOfMemoryAccess, $"{child.ExitCode}: {child.Error}");
        string touched = Touched().Match(child.Error).Groups[1].Value;
        string block = Block().Match(child.Error).Groups[1].Value;
        Assert.Contains($"NativeMm: the program touched {touched}, which is", child.Error, StringComparison.Ordinal);
        Assert.Contains($"sampled block {block} of ", child.Error, StringComparison.Ordinal);
        Assert.Contains(what, child.Error, StringComparison.Ordinal);
        Assert.Matches(@"Allocated at:\s+at NativeMm\.Tests\.Child\.Scenarios\.SampledFaultScenario\.AllocateHere\(", child.Error);
        if (what == "a use after free")
        {
            Assert.Matches(@"Freed at:\s+at NativeMm\.Tests\.Child\.Scenarios\.SampledFaultScenario\.FreedHere\(", child.Error);
        }
    }

    [LinuxFact]
    public void A_double_free_is_an_exception_with_both_stacks()
    {
        ChildResult child = ChildProcess.Run("sampled-fault", ["double-free"]);
        Assert.NotEqual(0, child.ExitCode);
        Assert.Contains("MemoryFaultException: Double free: sampled block", child.Error, StringComparison.Ordinal);
        Assert.Matches(@"Allocated at:\s+at NativeMm\.Tests\.Child\.Scenarios\.SampledFaultScenario\.AllocateHere\(", child.Error);
        Assert.Matches(@"Freed at:\s+at NativeMm\.Tests\.Child\.Scenarios\.SampledFaultScenario\.FreedHere\(", child.Error);
    }

    [LinuxFact]
    public void The_runtime_goes_on_turning_null_references_into_exceptions()
    {
        ChildResult child = ChildProcess.Run("sampled-fault", ["null"]);
        Assert.True(child.ExitCode == 0, child.Error);
        Assert.Equal("caught\n", child.Output);
        Assert.DoesNotContain("NativeMm: the program touched", child.Error, StringComparison.Ordinal);
    }

    [GeneratedRegex("^touching (0x[0-9a-f]{16})$", RegexOptions.Multiline)]
    private static partial Regex Touched();

    [GeneratedRegex("^block (0x[0-9a-f]+)$", RegexOptions.Multiline)]
    private static partial Regex Block();
}
