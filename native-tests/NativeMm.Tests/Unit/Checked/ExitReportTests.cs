using NativeMm.Tests.Support;
using Xunit;

namespace NativeMm.Tests.Unit.Checked;

/// <summary>What the checked mode says at the end of a process, of heaps that nobody disposed: the shared one is never disposed.</summary>
public sealed class ExitReportTests
{
    [Theory]
    [InlineData("shared", "shared", 0)]
    [InlineData("independent", "independent", 0)]
    [InlineData("throw", "shared", 1)]
    [InlineData("exit", "shared", 5)]
    public void What_is_still_allocated_is_reported_on_standard_error(string what, string heap, int exitCode)
    {
        ChildResult child = Run(what);
        Assert.True(child.ExitCode == exitCode, $"{child.ExitCode}: {child.Output}{child.Error}");
        string[] lines = child.Error.ReplaceLineEndings("\n").Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal($"NativeMm: the process ends, and heap '{heap}' has 3 blocks (1020 bytes) still allocated.", lines[0]);
        Assert.Equal("  1 block, 1000 bytes, stack not sampled", lines[1]);
        Assert.Equal("  2 blocks, 20 bytes, each 10 bytes, stack not sampled", lines[2]);
        Assert.Equal(3, lines.Length);
    }

    [Theory]
    [InlineData("clean")]
    [InlineData("ignore")]
    public void Without_leaks_or_under_the_policy_ignore_nothing_is_said(string what) => Assert.Equal(new ChildResult(0, "", ""), Run(what));

    [Fact]
    public void Pins_that_were_never_released_are_named()
    {
        ChildResult child = Run("pin");
        Assert.Equal(0, child.ExitCode);
        Assert.Equal(
            [
                "NativeMm: the process ends, and address space 'held' has 2 pins that were never released.",
                "  4096 bytes at 0x10005 for Write, stack not sampled",
                "  1 byte at 0x10000 for Read, stack not sampled",
            ],
            child.Error.ReplaceLineEndings("\n").Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    [Fact]
    public void A_handler_receives_the_report() => Assert.Equal(new ChildResult(0, $"shared: 3, 1020{Environment.NewLine}", ""), Run("handler"));

    [Fact]
    public void A_handler_that_throws_is_named_beside_the_report()
    {
        ChildResult child = Run("bad-handler");
        Assert.Equal(0, child.ExitCode);
        Assert.StartsWith(
            "NativeMm: the process ends, and the report of heap 'shared' failed: InvalidOperationException: no mail today", child.Error, StringComparison.Ordinal);
        Assert.Contains("heap 'shared' has 3 blocks (1020 bytes) still allocated", child.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Damage_that_nobody_was_told_of_is_reported()
    {
        ChildResult child = Run("overrun");
        Assert.StartsWith("NativeMm: the process ends. Overrun: block", child.Error, StringComparison.Ordinal);
        Assert.Contains("has 1 block (10 bytes) still allocated", child.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Without_the_checked_mode_nothing_is_said()
    {
        ChildResult child = ChildProcess.Run("leaks-at-exit", ["shared"], [KeyValuePair.Create("NATIVEMM_CHECKED", "0")]);
        Assert.Equal(new ChildResult(0, "", ""), child);
    }

    private static ChildResult Run(string what) => ChildProcess.Run("leaks-at-exit", [what], [KeyValuePair.Create("NATIVEMM_CHECKED", "1")]);
}
