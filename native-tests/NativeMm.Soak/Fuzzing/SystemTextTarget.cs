using System.Text;
using NativeMm.Platform;
using NativeMm.Soak.Shadow;

namespace NativeMm.Soak.Fuzzing;

/// <summary>The parsers of <c>/proc</c>, <c>/sys</c> and control groups: they never throw, and what they read they read the same way again.</summary>
internal sealed class SystemTextTarget : IFuzzTarget
{
    private const string Mount = "35 31 0:32 /docker/ab12 /sys/fs/cgroup/memory ro,relatime master:7 - cgroup cgroup rw,memory";
    private const string UnifiedMount = "30 23 0:26 / /sys/fs/cgroup rw,nosuid,nodev shared:4 - cgroup2 cgroup2 rw,nsdelegate";
    private const string Groups = "5:memory:/docker/ab12/inner\n4:cpu,cpuacct:/docker/ab12\n0::/elsewhere\n";
    private const string Status = "Name:\tdotnet\nVmSize:\t 2048000 kB\nVmHWM:\t  1024 kB\nVmRSS:\t  512 kB\nRssAnon:\t 256 kB\nRssShmem:\t 4 kB\n";
    private const string Rollup = "Rss:  1024 kB\nPss: 12 kB\nPrivate_Dirty: 1 kB\nAnonymous: 5 kB\nAnonHugePages: 0 kB\nLazyFree: 9 kB\nSwap: 0 kB\n";
    private const string Memory = "MemTotal:       16384 kB\nSwapTotal:        0 kB\nmodel name\t: Any (R) 3 GHz\n";

    public string Name => "system";

    public void Run(Chance chance)
    {
        switch (chance.Below(9))
        {
            case 0:
                _ = ControlGroupFolders.TryParseMount(
                    Mutation.Of(chance.OneIn(2) ? Mount : UnifiedMount, chance), "memory", out string root, out string point, out _);
                Require(root is not null && point is not null, "texts", root ?? point);
                break;
            case 1:
                _ = ControlGroupFolders.FindGroup(Mutation.Of(Groups, chance), chance.OneIn(2) ? "memory" : "cpu", chance.OneIn(2));
                break;
            case 2:
                Require(ControlGroup.ParseQuotaV2(Mutation.Of("150000 100000", chance)) is null or > 0, "a quota above 0 or none", "another");
                break;
            case 3:
                Require(ControlGroup.ParseMemory(Mutation.Of("2147483648", chance)) is null or < 1UL << 60, "a limit or none", "another");
                break;
            case 4:
                RunCores(Mutation.Of("0-3,8,64-70", chance));
                break;
            case 5:
                RunSize(Mutation.Of(chance.OneIn(2) ? "16384 kB" : "32K", chance));
                break;
            case 6:
                _ = ProcessMemory.ParseUsage(Encoding.UTF8.GetBytes(Mutation.Of(Status, chance)));
                _ = ProcessMemory.ParseRollup(Encoding.UTF8.GetBytes(Mutation.Of(Rollup, chance)));
                break;
            case 7:
                _ = ProcessMemory.ParseResidentPages(Encoding.UTF8.GetBytes(Mutation.Of("5000 123 77 1 0 9 0", chance)));
                break;
            default:
                _ = SystemFiles.FindValue(Mutation.Of(Memory, chance), chance.OneIn(2) ? "MemTotal" : "model name");
                break;
        }
    }

    public void Dispose()
    {
    }

    private static void RunCores(string text)
    {
        if (!CoreSet.TryParse(text, out CoreSet cores))
        {
            Require(cores.Count == 0, "no processors", cores.ToString());
            return;
        }

        Require(CoreSet.TryParse(cores.ToString(), out CoreSet again) && again.Equals(cores), cores.ToString(), again.ToString());
    }

    private static void RunSize(string text)
    {
        bool read = SizeText.TryParse(text, out ulong bytes);
        Require(read || bytes == 0, "0 for what is no size", $"{bytes}");
        Require(!read || (SizeText.TryParse($"{bytes}", out ulong again) && again == bytes), $"{bytes}", "another number");
    }

    private static void Require(bool holds, string expected, string? found)
    {
        if (!holds)
        {
            throw new FindingException("system", 0, expected, found ?? "nothing");
        }
    }
}
