using System.Globalization;
using NativeMm.Platform;
using NativeMm.Primitives;
using NativeMm.Tests.Support;
using NativeMm.Tests.Unit.Vmap;
using NativeMm.Vmap;
using Xunit;

namespace NativeMm.Tests.Faulty.Vmap;

/// <summary>A kernel that does not know guards: the page behind a guarded range is a gap, a mapping of its own without access.</summary>
public sealed unsafe class GuardlessVmapTests
{
    private const nuint Page = Pfn.FrameBytes;

    [LinuxTheory]
    [InlineData(ErrorNumber.Invalid)]
    [InlineData(ErrorNumber.NotImplemented)]
    public void Guards_are_gaps_and_the_advice_is_asked_for_once(int errno)
    {
        var platform = new FaultyPlatform();
        using var vmap = new VmapAllocator(
            new VmapOptions { CapacityBytes = 16 << 20, WindowBytes = 64 << 20, Purge = new LazyPurgePolicy { Executor = PurgeExecutor.Caller } }, platform);
        platform.FailCall(1, errno, PlatformCall.InstallGuard, times: 1000);
        byte* first = (byte*)vmap.Alloc(2 * Page, VmapFlags.Guarded);
        byte* second = (byte*)vmap.Alloc(2 * Page, VmapFlags.Guarded);
        byte* third = (byte*)vmap.Alloc(2 * Page);
        vmap.Validate();
        foreach (nuint guard in (nuint[])[(nuint)first + (2 * Page), (nuint)second + (2 * Page)])
        {
            Assert.Equal("---p", AccessAt(guard));
            Assert.Equal("rw-s", AccessAt(guard - Page));
        }

        Assert.Equal("rw-s", AccessAt((nuint)third));
        Assert.Equal(1, platform.Failures);
        Assert.Contains(vmap.GetAreas(), area => area.GuardPages != 0);
        Assert.All(vmap.GetAreas().Where(area => area.GuardPages != 0), area => Assert.True(area.Mappings >= 2));

        // Out of the pool, grown, and freed they are as any other.
        vmap.Free(first);
        Assert.True(first == vmap.Alloc(2 * Page, VmapFlags.Guarded));
        second = (byte*)vmap.Realloc(second, 5 * Page);
        second[(5 * Page) - 1] = 1;
        Assert.Equal("---p", AccessAt((nuint)second + (5 * Page)));
        vmap.Free(first);
        vmap.Free(second);
        vmap.Free(third);
        vmap.Purge(pools: true);
        vmap.Validate();
        VmapAllocatorTests.AssertEmpty(vmap);
        Assert.Equal(1, platform.Failures);
    }

    /// <summary>What the kernel says may be done at an address.</summary>
    private static string AccessAt(nuint address)
    {
        foreach (string line in File.ReadLines("/proc/self/maps"))
        {
            string[] words = line.Split(' ');
            string[] ends = words[0].Split('-');
            if (address >= nuint.Parse(ends[0], NumberStyles.HexNumber, CultureInfo.InvariantCulture)
                && address < nuint.Parse(ends[1], NumberStyles.HexNumber, CultureInfo.InvariantCulture))
            {
                return words[1];
            }
        }

        return "nothing is there";
    }
}
