using NativeMm.Buffers;
using NativeMm.Heap;
using NativeMm.Heap.Sampled;
using NativeMm.Tests.Support;
using Xunit;

namespace NativeMm.Tests.Faulty.Teardown;

/// <summary>Tables whose addresses the system does not take back have no pages any more.</summary>
public sealed class RefusedTableTests
{
    private readonly FaultyPlatform _platform = new();

    [LinuxFact]
    public void Records_of_a_swap()
    {
        var records = new SwapRecords(_platform, 10_000);
        Assert.True(records.TryGrow());
        records[1] = records[0];
        RefuseReleases();
        records.Dispose();
        _platform.AssertOnlyRefusedIsLeft();
    }

    [LinuxFact]
    public void Map_of_a_file()
    {
        var map = new FilePageMap(_platform, 100_000);
        Assert.Equal(1, map.TakeRun(1, out _));
        RefuseReleases();
        map.Dispose();
        _platform.AssertOnlyRefusedIsLeft();
    }

    /// <summary>A table that grew leaves the one before it.</summary>
    [LinuxFact]
    public void Addresses_of_blocks()
    {
        var table = new AddressTable(_platform);
        for (nuint block = 1; block <= 100; block++)
        {
            Assert.True(table.TryAdd(block << 20, 4096));
        }

        RefuseReleases();
        for (nuint block = 101; block <= 1000; block++)
        {
            Assert.True(table.TryAdd(block << 20, 4096));
        }

        table.Dispose();
        Assert.True(_platform.Failures > 1);
        _platform.AssertOnlyRefusedIsLeft();
    }

    [LinuxFact]
    public void Slots_with_guards()
    {
        Assert.True(GuardedPages.TryMake(_platform, 8, out GuardedPages? pages));
        int discards = _platform.Calls(PlatformCall.Discard);
        RefuseReleases();
        pages.Release();
        Assert.Equal(discards + 2, _platform.Calls(PlatformCall.Discard));
        _platform.AssertOnlyRefusedIsLeft();
    }

    private void RefuseReleases() => _platform.FailCall(1, kind: PlatformCall.Release, times: int.MaxValue);
}
