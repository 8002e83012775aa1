using System.Globalization;
using NativeMm.Platform;
using NativeMm.Tests.Support;
using Xunit;

namespace NativeMm.Tests.Unit;

public sealed class ProcessMemoryTests
{
    [Fact]
    public void Status_is_read()
    {
        ProcessMemoryUsage usage = ProcessMemory.ParseUsage(
            "Name:\tdotnet\nVmPeak:\t  999999 kB\nVmSize:\t  262144 kB\nVmHWM:\t    2048 kB\nVmRSS:\t    1024 kB\nRssAnon:\t     512 kB\nRssShmem:\t       4 kB"u8);
        Assert.Equal(new ProcessMemoryUsage(1 << 20, 2 << 20, 256 << 20, 512 << 10, 4 << 10), usage);
    }

    [Fact]
    public void Rollup_is_read()
    {
        ProcessMemoryRollup rollup = ProcessMemory.ParseRollup(
            "55b462967000-7ffccc6bf000 ---p 00000000 00:00 0    [rollup]\nRss:  8 kB\nPss:  7 kB\nPss_Dirty: 99 kB\nPrivate_Dirty: 6 kB\nAnonymous: 5 kB\nLazyFree: 4 kB\nAnonHugePages: 3 kB\nSwap: 2 kB\n"u8);
        Assert.Equal(new ProcessMemoryRollup(8 << 10, 7 << 10, 6 << 10, 5 << 10, 3 << 10, 4 << 10, 2 << 10), rollup);
    }

    [Fact]
    public void Damaged_text_reads_as_zero()
    {
        Assert.Equal(default, ProcessMemory.ParseUsage("VmRSS: lots\nVmHWM:"u8));
        Assert.Equal(0UL, ProcessMemory.ParseResidentPages("17"u8));
        Assert.Equal(0UL, ProcessMemory.ParseResidentPages(""u8));
        Assert.Equal(23UL, ProcessMemory.ParseResidentPages("17 23 5 1"u8));
    }

    [LinuxFact]
    public void Reading_allocates_nothing_managed()
    {
        ReadAll();
        Assert.Equal(0, ManagedBytes.Least(ReadAll));

        static void ReadAll()
        {
            Assert.True(ProcessMemory.ReadResident(out ulong resident).Succeeded);
            Assert.True(ProcessMemory.ReadUsage(out ProcessMemoryUsage usage).Succeeded);
            Assert.True(ProcessMemory.ReadRollup(out ProcessMemoryRollup rollup).Succeeded);
            Assert.True(resident > 0 && usage.Resident > 0 && usage.ResidentPeak >= usage.Resident / 2 && rollup.Resident > 0);
        }
    }

    [LinuxFact]
    public void Missing_file_is_a_result()
    {
        Assert.Equal("ENOENT (2)", ProcessFile.Read("/proc/self/no-such-file\0"u8, new byte[8], out int length).ToString());
        Assert.Equal(0, length);
        Assert.False(ProcessFile.Write("/proc/self/no-such-file\0"u8, "1"u8).Succeeded);
    }

    [LinuxFact]
    public void Resident_figures_follow_commit_and_discard_and_the_peak_is_reset()
    {
        const ulong Bytes = 64 << 20;
        const ulong Slack = 8 << 20;
        ChildResult child = ChildProcess.Run("resident-peak", [Bytes.ToString(CultureInfo.InvariantCulture)]);
        Assert.True(child.ExitCode == 0, child.Error);
        ulong[] values = [.. child.Output.Split(' ').Select(value => ulong.Parse(value, CultureInfo.InvariantCulture))];
        (ulong before, ulong held, ulong rollup, ulong after, ulong peak, ulong reset) = (values[0], values[1], values[2], values[3], values[4], values[5]);
        Assert.InRange(held, before + Bytes - Slack, before + Bytes + Slack);
        Assert.InRange(rollup, before + Bytes - Slack, before + Bytes + Slack);
        Assert.InRange(after, before - Slack, before + Slack);
        Assert.InRange(peak, before + Bytes - Slack, before + Bytes + Slack);
        Assert.InRange(reset, before - Slack, before + Slack);
    }
}
