using NativeMm.Tests.Support;
using Xunit;

namespace NativeMm.Tests.Unit.Vmap;

public sealed class VmapAccessTests
{
    [LinuxTheory]
    [InlineData("guard")]
    [InlineData("stale")]
    [InlineData("alias")]
    [InlineData("hole")]
    public void AnAccessThatIsNobodysKillsTheProcess(string what)
    {
        ChildResult child = ChildProcess.Run("vmap-touch", [what]);
        Assert.True(child.DiedOfMemoryAccess, $"{child.ExitCode}: {child.Error}");
        Assert.Equal("touching\n", child.Output);
    }

    [LinuxFact]
    public void TheLastByteOfAGuardedRangeIsUsable()
    {
        ChildResult child = ChildProcess.Run("vmap-touch", ["inside"]);
        Assert.True(child.ExitCode == 0, child.Error);
        Assert.Equal("touching\nread 42\n", child.Output);
    }
}
