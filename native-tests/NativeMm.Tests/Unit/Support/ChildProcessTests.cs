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
        // How long it takes to its words depends on who else uses the machine.
        string message = "";
        for (int seconds = 1; seconds < 100 && !message.Contains("last words", StringComparison.Ordinal); seconds *= 4)
        {
            message = Assert.ThrowsAny<Exception>(() => ChildProcess.Run("echo", ["last words", "", "hang"], timeout: TimeSpan.FromSeconds(seconds))).Message;
        }

        Assert.Contains("did not end in time. Its output: last words", message, StringComparison.Ordinal);
    }
}
