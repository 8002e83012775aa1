using NativeMm.Tests.Support;
using Xunit;

namespace NativeMm.Tests.Concurrency.Teardown;

/// <summary>A process that may have no further thread from before its first allocation on: as in a container whose <c>pids.max</c> is reached.</summary>
public sealed class NoThreadsTests
{
    [SystemCallFilterTheory]
    [InlineData("0")]
    [InlineData("1")]
    public void Without_a_thread_everything_works_and_the_runtime_says_what_is_missing(string tiered)
    {
        ChildResult result = ChildProcess.Run("no-threads", [], [new("DOTNET_TieredCompilation", tiered)], TimeSpan.FromSeconds(180));
        Assert.True(result.ExitCode == 0, result.ToString());
        string[] lines = result.Output.Trim().Split('\n');
        Assert.True(lines.Length == 3, result.ToString());
        Assert.StartsWith("thread: OutOfMemoryException", lines[1], StringComparison.Ordinal);
        Assert.StartsWith("1 0 0 The system refused the thread 'NativeMm trimmer'", lines[2], StringComparison.Ordinal);
        Assert.Contains("ulimit -u", lines[2], StringComparison.Ordinal);
    }
}
