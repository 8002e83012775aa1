using NativeMm.Platform;
using NativeMm.Tests.Support;
using Xunit;

namespace NativeMm.Tests.Unit.Platform;

public sealed class KernelVersionTests
{
    [Theory]
    [InlineData(6, 16, false)]
    [InlineData(5, 99, false)]
    [InlineData(6, 17, true)]
    [InlineData(6, 18, true)]
    [InlineData(7, 0, true)]
    public void Areas_have_locks_of_their_own_since_6_17(int major, int minor, bool expected)
    {
        var platform = new LinuxPlatform(new KernelVersion(major, minor));

        Assert.Equal(expected, (platform.Capabilities & PlatformCapabilities.DiscardByArea) != 0);
    }

    [LinuxFact]
    public void Running_kernel_is_that_of_the_system()
    {
        string[] release = File.ReadAllText("/proc/sys/kernel/osrelease").Split('.');

        Assert.Equal(new KernelVersion(int.Parse(release[0]), int.Parse(release[1])), KernelVersion.Current);
    }
}
