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
    public void An_access_that_is_nobodys_kills_the_process(string what)
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
    public void It_does_so_without_guards_and_with_a_full_table_of_mappings(string what, string system)
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
    public void The_last_byte_in_front_of_a_gap_is_usable()
    {
        ChildResult child = ChildProcess.Run("vmap-touch", ["inside", "guardless"]);
        Assert.True(child.ExitCode == 0, child.Error);
        Assert.Equal("touching\nread 42\n", child.Output);
    }

    [LinuxFact]
    public void The_last_byte_of_a_guarded_range_is_usable()
    {
        ChildResult child = ChildProcess.Run("vmap-touch", ["inside"]);
        Assert.True(child.ExitCode == 0, child.Error);
        Assert.Equal("touching\nread 42\n", child.Output);
    }
}
