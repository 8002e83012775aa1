using System.Globalization;
using NativeMm.Runtime;
using NativeMm.Tests.Support;
using Xunit;

namespace NativeMm.Tests.Unit.Runtime;

/// <summary>A system that makes huge pages by itself must not fill in again what went back.</summary>
public sealed unsafe class HugePageTests
{
    [LinuxTheory]
    [InlineData(false, "nh")]
    [InlineData(true, "hg")]
    public void The_zone_has_huge_pages_when_they_are_asked_for_and_otherwise_none(bool hugePages, string flag)
    {
        if (!Directory.Exists("/sys/kernel/mm/transparent_hugepage"))
        {
            return;
        }

        using var runtime = new MemoryRuntime(new MemoryRuntimeOptions { CapacityBytes = 64 << 20, HugePages = hugePages, BackgroundTrim = false });
        runtime.Heap.Free(runtime.Heap.Alloc(100));

        Assert.Contains(flag, FlagsAt(runtime.Frames.Zone.BaseAddress));
        Assert.Contains("nh", FlagsAt((nuint)runtime.Frames.Zone.Descriptors));
        Assert.DoesNotContain(hugePages ? "nh" : "hg", FlagsAt(runtime.Frames.Zone.BaseAddress + runtime.Frames.Zone.Bytes - 1));
    }

    /// <summary>What the kernel remembers of the mapping that an address lies in.</summary>
    private static string[] FlagsAt(nuint address)
    {
        bool isIn = false;
        foreach (string line in File.ReadLines("/proc/self/smaps"))
        {
            int dash = line.IndexOf('-', StringComparison.Ordinal);
            if (dash > 0
                && ulong.TryParse(line.AsSpan(0, dash), NumberStyles.HexNumber, CultureInfo.InvariantCulture, out ulong start)
                && ulong.TryParse(line.AsSpan(dash + 1, line.IndexOf(' ', dash) - dash - 1), NumberStyles.HexNumber, CultureInfo.InvariantCulture, out ulong end))
            {
                isIn = start <= address && address < end;
            }
            else if (isIn && line.StartsWith("VmFlags:", StringComparison.Ordinal))
            {
                return line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            }
        }

        return [];
    }
}
