using NativeMm.Platform;
using NativeMm.Teardown;
using NativeMm.Tests.Support;
using Xunit;

namespace NativeMm.Tests.Unit.Teardown;

/// <summary>How many threads there are by default.</summary>
public sealed class TeardownOptionsTests
{
    private const string Mount = "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw";
    private const string MountV1 = "30 23 0:26 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct";

    [Theory]
    [InlineData("50000 100000", 16, 1)]
    [InlineData("150000 100000", 16, 2)]
    [InlineData("400000 100000", 16, 4)]
    [InlineData("400000 100000", 2, 2)]
    [InlineData("max 100000", 16, 16)]
    [InlineData("1000 100000", 1, 1)]
    public void A_quota_bounds_the_threads(string quota, int processors, int threads)
    {
        using CapturedFiles files = new CapturedFiles().With("/proc/self/cgroup", "0::/box").With("/proc/self/mountinfo", Mount)
            .With("/sys/fs/cgroup/box/cpu.max", quota);
        Assert.Equal(threads, CpuShare.Read(files.Files, processors));
    }

    [Fact]
    public void A_quota_of_half_a_core_in_version_1_is_one_thread()
    {
        using CapturedFiles files = new CapturedFiles().With("/proc/self/cgroup", "4:cpu,cpuacct:/box").With("/proc/self/mountinfo", MountV1)
            .With("/sys/fs/cgroup/cpu/box/cpu.cfs_quota_us", "50000").With("/sys/fs/cgroup/cpu/box/cpu.cfs_period_us", "100000");
        Assert.Equal(1, CpuShare.Read(files.Files, 4));
    }

    [Fact]
    public void Automatic_is_the_share_and_at_most_eight()
    {
        Assert.Equal(Math.Min(8, CpuShare.Cores), new TeardownOptions().ActiveInForce);
        Assert.Equal(32, new TeardownOptions { MaxActive = 32 }.ActiveInForce);
        Assert.InRange(CpuShare.Cores, 1, Environment.ProcessorCount);
    }
}
