using NativeMm.AddressSpaces;
using NativeMm.Frames;
using NativeMm.Primitives;
using Xunit;
using static NativeMm.Tests.Unit.AddressSpaces.FaultFixture;

namespace NativeMm.Tests.Unit.AddressSpaces.Faults;

/// <summary>Pages of 2 MiB: made by one fault, split by what touches a part, gathered from single pages, and left out where they do not fit.</summary>
public sealed class HugeTests
{
    private const int HugeBytes = 2 << 20;
    private const int PagesInBlock = 512;

    [Theory]
    [InlineData(PageAccess.Read)]
    [InlineData(PageAccess.Write)]
    public void One_fault_brings_512_pages(PageAccess access)
    {
        using var fixture = new FaultFixture(megabytes: 32);
        long area = Map(fixture, 2);
        fixture.Fault(area + (17 * Page), access);
        Assert.Equal((1, PagesInBlock), (fixture.Space.GetStatistics().HugeBlocks, fixture.Space.GetStatistics().ResidentPages));
        Assert.Equal((1, 1), (fixture.Faults.Successes, fixture.Faults.DemandZeroHuge));
        Stamp(fixture, area);
        Assert.Equal(1, fixture.Faults.Attempts);
        AssertStamped(fixture.Space, area, -1);
    }

    [Fact]
    public void A_part_that_is_unmapped_splits_the_block_and_the_rest_stays()
    {
        using var fixture = new FaultFixture(megabytes: 32);
        long area = Map(fixture, 1);
        Stamp(fixture, area);
        fixture.Space.Unmap(area + (100 * Page), Page);
        Assert.Equal((0, PagesInBlock - 1), (fixture.Space.GetStatistics().HugeBlocks, fixture.Space.GetStatistics().ResidentPages));
        AssertStamped(fixture.Space, area, 100);
        fixture.Space.Validate();
    }

    [Fact]
    public void A_part_that_is_protected_differently_keeps_its_place()
    {
        using var fixture = new FaultFixture(megabytes: 32);
        long area = Map(fixture, 1);
        Stamp(fixture, area);
        fixture.Space.Protect(area + (100 * Page), Page, Protection.Read);
        Assert.Throws<AddressFaultException>(() => fixture.Space.Write(area + (100 * Page), 1L));
        fixture.Space.Write(area + (101 * Page) + 8, 1L);
        AssertStamped(fixture.Space, area, -1);
    }

    [Fact]
    public void A_forked_block_is_copied_page_by_page()
    {
        using var fixture = new FaultFixture(megabytes: 32);
        long area = Map(fixture, 1);
        Stamp(fixture, area);
        using (AddressSpace child = fixture.Space.Fork())
        {
            fixture.Space.Write(area + (5 * Page), -1L);
            AssertStamped(child, area, -1);
            Assert.Equal(1, fixture.Faults.Copies);
            fixture.Space.Unmap(area, HugeBytes);
            AssertStamped(child, area, -1);
        }
    }

    [Fact]
    public void Without_a_block_a_single_page_comes()
    {
        using var fixture = new FaultFixture(megabytes: 4);
        long area = Map(fixture, 1);
        var blocks = new List<Pfn>();
        while (fixture.Frames.TryAllocate(Order.Huge, FrameFlags.NoReclaim, out Pfn block, out _))
        {
            blocks.Add(block);
        }

        fixture.Space.Write(area, 5L);
        Assert.Equal((0, 1), (fixture.Space.GetStatistics().HugeBlocks, fixture.Space.GetStatistics().ResidentPages));
        blocks.ForEach(block => fixture.Frames.Free(block, Order.Huge));
        Assert.Equal(5L, fixture.Space.Read<long>(area));
    }

    [Theory]
    [InlineData(PageFaults.PauseFound)]
    [InlineData(PageFaults.PauseSeen)]
    [InlineData(PageFaults.PausePrepared)]
    public void A_block_is_not_installed_into_an_area_that_has_changed(string place)
    {
        using var fixture = new FaultFixture(megabytes: 32);
        long area = Map(fixture, 1);
        fixture.Fault(area, PageAccess.Read);
        fixture.Space.Advise(area, HugeBytes, MemoryAdvice.DoNotNeed);
        FaultIntruder.At(place, () => fixture.Space.Protect(area + (10 * Page), Page, Protection.Read));
        fixture.Fault(area, PageAccess.Write);
        Assert.Equal(0, fixture.Space.GetStatistics().HugeBlocks);
        Assert.Equal(1, fixture.Space.GetStatistics().ResidentPages);
    }

    [Fact]
    public void Single_pages_are_gathered_and_keep_their_content()
    {
        using var fixture = new FaultFixture(megabytes: 32);
        long area = Singles(fixture);
        Assert.True(fixture.Space.Faults.Collapse((ulong)area >> 12));
        Assert.Equal(1, fixture.Space.GetStatistics().HugeBlocks);
        AssertStamped(fixture.Space, area, -1);
    }

    [Fact]
    public void Pages_that_somebody_holds_or_shares_are_not_gathered()
    {
        using var fixture = new FaultFixture(megabytes: 32);
        long area = Singles(fixture);
        ulong page = (ulong)area >> 12;
        using (fixture.Space.Pin(area + (3 * Page), 1))
        {
            Assert.False(fixture.Space.Faults.Collapse(page));
        }

        using (fixture.Space.LeaseRead(area + (4 * Page), 1))
        {
            Assert.False(fixture.Space.Faults.Collapse(page));
        }

        using (fixture.Space.Fork())
        {
            Assert.False(fixture.Space.Faults.Collapse(page));
        }

        Assert.True(fixture.Space.Faults.Collapse(page));
        AssertStamped(fixture.Space, area, -1);
    }

    [Fact]
    public void What_could_not_be_gathered_is_gathered_after_a_trim()
    {
        using var fixture = new FaultFixture(megabytes: 32);
        long area = Singles(fixture);
        using (fixture.Space.Pin(area + (3 * Page), 1))
        {
            Assert.False(fixture.Space.Faults.Collapse((ulong)area >> 12));
        }

        AssertGatheredAfterTrim(fixture, area);
    }

    [Fact]
    public void Pages_that_were_there_before_the_wish_are_gathered_after_a_trim()
    {
        using var fixture = new FaultFixture(megabytes: 32);
        AssertGatheredAfterTrim(fixture, Singles(fixture));
    }

    [Fact]
    public void More_leaves_than_there_is_room_for_wishes_are_all_gathered()
    {
        using var fixture = new FaultFixture(megabytes: 32);
        long area = Map(fixture, 1);
        long other = fixture.Space.Map(HugeBytes, Protection.ReadWrite, MapFlags.FixedNoReplace | MapFlags.HugePages, area + (64L * HugeBytes));
        foreach (long leaf in new[] { area, other })
        {
            fixture.Space.Advise(leaf, HugeBytes, MemoryAdvice.NoHugePages);
            Stamp(fixture, leaf);
            fixture.Space.Advise(leaf, HugeBytes, MemoryAdvice.HugePages);
        }

        using (fixture.Space.Faults.PauseCollapse())
        {
            // The job may have taken the first wish already, and then waits.
            fixture.Space.Faults.AskCollapse((ulong)area >> 12);
            fixture.Space.Faults.AskCollapse(((ulong)area >> 12) + 1);
            fixture.Space.Faults.AskCollapse((ulong)other >> 12);
        }

        Assert.True(SpinWait.SpinUntil(() => fixture.Space.GetStatistics().HugeBlocks == 2, TimeSpan.FromSeconds(30)));
        Assert.True(fixture.Space.Faults.Collapse((ulong)area >> 12));
        Assert.Equal(2, fixture.Faults.Collapses);
        AssertStamped(fixture.Space, area, -1);
        AssertStamped(fixture.Space, other, -1);
    }

    private static void AssertGatheredAfterTrim(FaultFixture fixture, long area)
    {
        fixture.Space.FreeUnused();
        Assert.True(SpinWait.SpinUntil(() => fixture.Faults.Collapses == 1, TimeSpan.FromSeconds(30)));
        Assert.Equal(1, fixture.Space.GetStatistics().HugeBlocks);
        AssertStamped(fixture.Space, area, -1);
    }

    private static long Map(FaultFixture fixture, int blocks)
    {
        long area = fixture.Space.Map((long)blocks * HugeBytes, Protection.ReadWrite, MapFlags.HugePages);
        Assert.Equal(0, area % HugeBytes);
        return area;
    }

    /// <summary>512 single pages in an area that wants blocks.</summary>
    private static long Singles(FaultFixture fixture)
    {
        long area = Map(fixture, 1);
        fixture.Space.Advise(area, HugeBytes, MemoryAdvice.NoHugePages);
        Stamp(fixture, area);
        fixture.Space.Advise(area, HugeBytes, MemoryAdvice.HugePages);
        Assert.Equal(0, fixture.Space.GetStatistics().HugeBlocks);
        return area;
    }

    private static void Stamp(FaultFixture fixture, long area)
    {
        for (int i = 0; i < PagesInBlock; i++)
        {
            fixture.Space.Write(area + (i * Page), (long)i + 1);
        }
    }

    private static void AssertStamped(AddressSpace space, long area, int but)
    {
        for (int i = 0; i < PagesInBlock; i++)
        {
            if (i != but)
            {
                Assert.Equal(i + 1, space.Read<long>(area + (i * Page)));
            }
        }
    }
}
