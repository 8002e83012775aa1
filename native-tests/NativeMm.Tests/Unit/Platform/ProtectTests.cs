using NativeMm.Tests.Support;
using Xunit;

namespace NativeMm.Tests.Unit;

public sealed class ProtectTests
{
    [LinuxTheory]
    [InlineData("read")]
    [InlineData("write")]
    public void Forbidden_page_kills_the_process_that_touches_it(string access)
    {
        ChildResult child = ChildProcess.Run("protect", [access, "forbidden"]);
        Assert.True(child.DiedOfMemoryAccess, $"{child.ExitCode}: {child.Error}");
        Assert.Equal("touching\n", child.Output);
    }

    [LinuxTheory]
    [InlineData("read", "42")]
    [InlineData("write", "43")]
    public void Page_that_is_allowed_again_has_its_content(string access, string content)
    {
        ChildResult child = ChildProcess.Run("protect", [access, "allowed"]);
        Assert.True(child.ExitCode == 0, child.Error);
        Assert.Equal($"touching\nread {content}\n", child.Output);
    }
}
