using NativeMm.Platform;
using NativeMm.Teardown;
using NativeMm.Tests.Support.Teardown;
using Xunit;

namespace NativeMm.Tests.Unit.Teardown;

public sealed class RangeReleaseTests
{
    private const nuint MiB = 1 << 20;
    private static readonly nuint s_base = unchecked((nuint)0x10_0000_0000);

    [Theory]
    [InlineData(256)]
    [InlineData(1024)]
    [InlineData(8192)]
    public void Bites_grow_to_a_part_of_the_range_and_shrink_towards_its_end(int mebibytes)
    {
        nuint bytes = (nuint)mebibytes * MiB;
        AddressRange[] calls = Release(s_base, bytes);

        nuint largest = nuint.Max(8 * MiB, bytes / 64);
        Assert.Equal(largest, calls.Max(call => call.Bytes));
        Assert.True(calls.Length <= 64 + 32, $"{calls.Length} calls");
        Assert.True(calls[^1].Bytes <= 8 * MiB);
    }

    [Fact]
    public void No_bite_cuts_a_huge_page_and_the_bites_are_all_of_it()
    {
        nuint first = s_base + 4096;
        AddressRange[] calls = Release(first, 1000 * MiB);

        nuint at = first;
        foreach (AddressRange call in calls)
        {
            Assert.Equal(at, call.Address);
            Assert.True(call.Address == first || call.Address % PageDiscard.Grain == 0, $"{call.Address:x}");
            at += call.Bytes;
        }

        Assert.Equal(first + (1000 * MiB), at);
    }

    private static AddressRange[] Release(nuint address, nuint bytes)
    {
        var platform = new ReleasingPlatform { IsDry = true, ByArea = true, Borders = [] };
        using var workers = new TeardownWorkers(new TeardownOptions { MaxActive = 1 });
        var release = new RangeRelease(workers, new PageDiscard(platform, TimeSpan.FromMilliseconds(2), clock: () => 0));
        release.Begin(address, bytes);
        workers.Run(release);
        return platform.Discards;
    }
}
