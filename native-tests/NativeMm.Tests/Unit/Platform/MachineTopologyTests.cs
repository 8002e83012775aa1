using NativeMm.Platform;
using NativeMm.Tests.Support;
using Xunit;

namespace NativeMm.Tests.Unit;

public sealed class MachineTopologyTests
{
    [Fact]
    public void Captured_machine_is_described()
    {
        using CapturedFiles files = new CapturedFiles()
            .With("/proc/cpuinfo", "processor\t: 0\nvendor_id\t: GenuineIntel\nmodel name\t: Example CPU @ 2.00GHz\n\nprocessor\t: 1\nmodel name\t: Other\n")
            .With("/proc/meminfo", "MemTotal:       16384000 kB\nMemFree:        1 kB\n")
            .With("/proc/sys/kernel/osrelease", "6.1.0-test\n")
            .With("/proc/sys/vm/max_map_count", "65530\n")
            .With("/sys/devices/system/cpu/online", "0-3\n")
            .With("/sys/devices/system/node/node0/cpulist", "0-1\n")
            .With("/sys/devices/system/node/node0/meminfo", "Node 0 MemTotal:       8192000 kB\nNode 0 MemFree: 1 kB\n")
            .With("/sys/devices/system/node/node1/cpulist", "2-3\n")
            .With("/sys/devices/system/node/node10/cpulist", "\n");
        for (int core = 0; core < 4; core++)
        {
            AddCache(files, core, 0, "1", "Data", "48K", $"{core}");
            AddCache(files, core, 1, "1", "Instruction", "32K", $"{core}");
            AddCache(files, core, 2, "2", "Unified", "2048K", core < 2 ? "0-1" : "2-3");
            AddCache(files, core, 3, "3", "Unified", "36M", "0-3");
        }

        MachineTopology machine = MachineTopology.Read(files.Files);
        Assert.Equal("Example CPU @ 2.00GHz", machine.ModelName);
        Assert.Equal("6.1.0-test", machine.KernelRelease);
        Assert.Equal("0-3", machine.CoresOnline.ToString());
        Assert.Equal(16384000UL << 10, machine.MemoryBytes);
        Assert.Equal(machine.MemoryBytes, machine.UsableMemoryBytes);
        Assert.Equal(65530, machine.MappingsMax);
        Assert.Equal([0, 1, 10], machine.NumaNodes.Select(node => node.Id));
        Assert.Equal(["0-1", "2-3", ""], machine.NumaNodes.Select(node => node.Cores.ToString()));
        Assert.Equal(8192000UL << 10, machine.NumaNodes[0].MemoryBytes);
        Assert.Equal(0UL, machine.NumaNodes[1].MemoryBytes);
        Assert.Equal((8, 2, 1), (Caches(machine, 1), Caches(machine, 2), Caches(machine, 3)));
        Assert.Equal((48UL << 10, 2UL << 20, 36UL << 20), (machine.DataCacheBytes(1), machine.DataCacheBytes(2), machine.DataCacheBytes(3)));
        Assert.Equal(0UL, machine.DataCacheBytes(4));
        Assert.NotEmpty(machine.Caches);
        Assert.All(machine.Caches, cache => Assert.Equal(64, cache.LineBytes));
    }

    [Fact]
    public void System_that_hides_everything_is_described_as_far_as_the_process_knows()
    {
        using CapturedFiles files = new();
        MachineTopology machine = MachineTopology.Read(files.Files);
        Assert.Equal("unknown", machine.ModelName);
        Assert.Equal(Environment.ProcessorCount, machine.CoresOnline.Count);
        Assert.Empty(machine.Caches);
        Assert.Empty(machine.NumaNodes);
        Assert.Null(machine.MappingsMax);
        Assert.True(machine.MemoryBytes > 0);
        Assert.True(machine.UsableCores >= 1);
    }

    [Fact]
    public void Limits_of_the_container_lower_what_is_usable()
    {
        using CapturedFiles files = new CapturedFiles()
            .With("/proc/meminfo", "MemTotal:       16384000 kB\n")
            .With("/proc/self/cgroup", "0::/\n")
            .With("/proc/self/mountinfo", "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n")
            .With("/sys/fs/cgroup/cpu.max", "50000 100000\n")
            .With("/sys/fs/cgroup/memory.max", "1048576\n");
        MachineTopology machine = MachineTopology.Read(files.Files);
        Assert.Equal(1.0, machine.UsableCores);
        Assert.Equal(1UL << 20, machine.UsableMemoryBytes);
    }

    [Fact]
    public void Arm_core_is_named_by_its_numbers()
    {
        using CapturedFiles files = new CapturedFiles().With("/proc/cpuinfo", "processor\t: 0\nCPU implementer\t: 0x41\nCPU part\t: 0xd0c\n");
        Assert.Equal("arm64 implementer 0x41 part 0xd0c", MachineTopology.Read(files.Files).ModelName);
    }

    [LinuxFact]
    public void Running_machine_is_plausible()
    {
        MachineTopology machine = MachineTopology.Read();
        Assert.InRange(machine.CoresAllowed.Count, 1, machine.CoresOnline.Count);
        Assert.InRange(machine.MemoryBytes, 64UL << 20, 1UL << 46);
        Assert.NotEqual("unknown", machine.ModelName);
        Assert.NotEmpty(machine.KernelRelease);
        Assert.Equal((ulong)Environment.SystemPageSize, machine.PageBytes);
    }

    private static int Caches(MachineTopology machine, int level) => machine.Caches.Count(cache => cache.Level == level);

    private static void AddCache(CapturedFiles files, int core, int index, string level, string type, string size, string shared)
    {
        string folder = $"/sys/devices/system/cpu/cpu{core}/cache/index{index}";
        files.With($"{folder}/level", level + "\n")
            .With($"{folder}/type", type + "\n")
            .With($"{folder}/size", size + "\n")
            .With($"{folder}/coherency_line_size", "64\n")
            .With($"{folder}/shared_cpu_list", shared + "\n");
    }
}
