using NativeMm.Tests.Support;
using Xunit;

namespace NativeMm.Tests.Concurrency.Teardown;

/// <summary>Ends in processes that may have no further thread, or one core alone.</summary>
public sealed class EndLimitsTests
{
    [LinuxTheory]
    [InlineData("threads")]
    [InlineData("address")]
    public void Where_no_thread_is_to_be_had_everything_ends_all_the_same(string limit)
    {
        string[] lines = Run(limit);
        Assert.Equal("True fine 0", lines[0]);
        string[] limited = lines[1].Split(' ');
        Assert.Equal(["False", "fine"], limited[..2]);
        Assert.NotEqual("0", limited[2]);
    }

    [LinuxFact]
    public void On_one_core_everything_ends_with_two_threads_as_well()
    {
        string[] lines = Run("core");
        Assert.Equal(["True fine 0", "True fine 0"], lines);
    }

    /// <summary>Code is compiled ahead, and once: with so little left that is not to be what fails. Few stacks are kept for the next thread.</summary>
    private static string[] Run(string limit)
    {
        ChildResult result = ChildProcess.Run(
            "end-limits",
            [limit],
            [new("DOTNET_TieredCompilation", "0"), new("DOTNET_EnableWriteXorExecute", "0"), new("GLIBC_TUNABLES", "glibc.pthread.stack_cache_size=0")],
            TimeSpan.FromSeconds(180));
        Assert.True(result.ExitCode == 0, result.ToString());
        string[] lines = result.Output.Trim().Split('\n');
        Assert.True(lines.Length == 2, result.ToString());
        return lines;
    }
}
