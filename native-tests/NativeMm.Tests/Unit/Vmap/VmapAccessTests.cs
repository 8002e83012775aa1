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

    [LinuxTheory]
    [InlineData("guard", "guardless")]
    [InlineData("stale", "guardless")]
    [InlineData("alias", "guardless")]
    [InlineData("stale", "full")]
    [InlineData("alias", "full")]
    public void ItDoesSoWithoutGuardsAndWithAFullTableOfMappings(string what, string system)
    {
        ChildResult child = ChildProcess.Run("vmap-touch", [what, system]);
        if (child.ExitCode == 3)
        {
            // This kernel has no guards for shared memory, and the library hides nothing behind them.
            return;
        }

        Assert.True(child.DiedOfMemoryAccess, $"{child.ExitCode}: {child.Error}");
        Assert.Equal("touching\n", child.Output);
    }

    [LinuxFact]
    public void TheLastByteInFrontOfAGapIsUsable()
    {
        ChildResult child = ChildProcess.Run("vmap-touch", ["inside", "guardless"]);
        Assert.True(child.ExitCode == 0, child.Error);
        Assert.Equal("touching\nread 42\n", child.Output);
    }

    [LinuxFact]
    public void TheLastByteOfAGuardedRangeIsUsable()
    {
        ChildResult child = ChildProcess.Run("vmap-touch", ["inside"]);
        Assert.True(child.ExitCode == 0, child.Error);
        Assert.Equal("touching\nread 42\n", child.Output);
    }
}
