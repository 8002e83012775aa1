using NativeMm.Tests.Support;
using Xunit;

namespace NativeMm.Tests.Unit;

public sealed class ChildProcessTests
{
    [Fact]
    public void Output_error_and_exit_code_come_back()
    {
        ChildResult child = ChildProcess.Run("echo", ["spoken", "whispered", "7"]);
        Assert.Equal(new ChildResult(7, "spoken" + Environment.NewLine, "whispered" + Environment.NewLine), child);
        Assert.False(child.DiedOfMemoryAccess);
    }

    [Fact]
    public void Unknown_scenario_is_an_error() => Assert.Equal(2, ChildProcess.Run("no-such-scenario").ExitCode);

    [Fact]
    public void Child_that_hangs_fails_the_test_and_names_its_output()
    {
        Exception problem = Assert.ThrowsAny<Exception>(() => ChildProcess.Run("echo", ["last words", "", "hang"], timeout: TimeSpan.FromSeconds(3)));
        Assert.Contains("last words", problem.Message, StringComparison.Ordinal);
    }
}
