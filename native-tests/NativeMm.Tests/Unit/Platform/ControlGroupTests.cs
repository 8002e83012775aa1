using NativeMm.Platform;
using NativeMm.Tests.Support;
using Xunit;

namespace NativeMm.Tests.Unit;

public sealed class ControlGroupTests
{
    private const string MountsV2 =
        "22 27 0:21 / /proc rw,relatime - proc proc rw\n"
        + "30 23 0:26 / /sys/fs/cgroup rw,nosuid,nodev shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";

    private const string MountsV1 =
        "31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755\n"
        + "32 31 0:29 /docker/ab12 /sys/fs/cgroup/cpu,cpuacct ro,relatime master:11 - cgroup cgroup rw,cpu,cpuacct\n"
        + "35 31 0:32 /docker/ab12 /sys/fs/cgroup/memory ro,relatime - cgroup cgroup rw,memory\n";

    [Fact]
    public void Version_2_takes_the_lowest_limit_on_the_way_up()
    {
        using CapturedFiles files = new CapturedFiles()
            .With("/proc/self/cgroup", "0::/slice/service/\n")
            .With("/proc/self/mountinfo", MountsV2)
            .With("/sys/fs/cgroup/slice/service/cpu.max", "max 100000\n")
            .With("/sys/fs/cgroup/slice/service/memory.max", "2147483648\n")
            .With("/sys/fs/cgroup/slice/cpu.max", "150000 100000\n")
            .With("/sys/fs/cgroup/slice/memory.max", "1073741824\n")
            .With("/sys/fs/cgroup/memory.max", "max\n");
        Assert.Equal(new ControlGroup(1.5, 1UL << 30), ControlGroup.Read(files.Files));
    }

    [Fact]
    public void Version_1_in_a_container_is_found_below_the_mounted_part()
    {
        using CapturedFiles files = new CapturedFiles()
            .With("/proc/self/cgroup", "5:memory:/docker/ab12/inner\n4:cpu,cpuacct:/docker/ab12\n0::/elsewhere\n")
            .With("/proc/self/mountinfo", MountsV1)
            .With("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "50000\n")
            .With("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n")
            .With("/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n")
            .With("/sys/fs/cgroup/memory/inner/memory.limit_in_bytes", "536870912\n");
        Assert.Equal(new ControlGroup(0.5, 512UL << 20), ControlGroup.Read(files.Files));
    }

    [Fact]
    public void No_files_and_no_limits_are_no_limit()
    {
        using CapturedFiles none = new();
        Assert.Equal(new ControlGroup(null, null), ControlGroup.Read(none.Files));

        using CapturedFiles unlimited = new CapturedFiles()
            .With("/proc/self/cgroup", "5:memory:/docker/ab12\n4:cpu,cpuacct:/docker/ab12\n")
            .With("/proc/self/mountinfo", MountsV1)
            .With("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "-1\n")
            .With("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n")
            .With("/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
        Assert.Equal(new ControlGroup(null, null), ControlGroup.Read(unlimited.Files));
    }

    [Theory]
    [InlineData("max 100000", null)]
    [InlineData("200000 100000", 2.0)]
    [InlineData("200000", null)]
    [InlineData("200000 0", null)]
    [InlineData("x y", null)]
    [InlineData(null, null)]
    public void Quota_of_version_2_is_read_or_ignored(string? text, double? quota) => Assert.Equal(quota, ControlGroup.ParseQuotaV2(text));

    [Theory]
    [InlineData("")]
    [InlineData("22 27 0:21 / /proc rw,relatime proc proc rw")]
    [InlineData("22 - cgroup2 x y")]
    [InlineData("35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory")]
    public void Line_that_is_no_mount_of_the_controller_is_passed_over(string line) =>
        Assert.False(ControlGroupFolders.TryParseMount(line, "cpu", out _, out _, out _));
}
