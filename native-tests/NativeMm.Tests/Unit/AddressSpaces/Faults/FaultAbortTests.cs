using NativeMm.AddressSpaces;
using NativeMm.Primitives;
using Xunit;
using static NativeMm.Tests.Unit.AddressSpaces.FaultFixture;

namespace NativeMm.Tests.Unit.AddressSpaces.Faults;

/// <summary>Each cause for which a fault without a lock gives up, provoked between its steps; the access is made all the same, or refused as it must be.</summary>
public sealed unsafe class FaultAbortTests
{
    public static TheoryData<string> BeforeTheLock => [PageFaults.PauseFound, PageFaults.PauseSeen, PageFaults.PausePrepared];

    [Fact]
    public void Undisturbed_it_succeeds_and_takes_one_frame()
    {
        using var fixture = new FaultFixture();
        long area = fixture.Space.Map(4 * Page, Protection.ReadWrite);
        fixture.Fault(area, PageAccess.Write);
        Assert.Equal((1, 1, 0, 1), (fixture.Faults.Attempts, fixture.Faults.Successes, fixture.Faults.Classic, fixture.Faults.DemandZero));
        Assert.Equal(0, fixture.Space.GetStatistics().KeptFrames);
        Assert.Equal(0, fixture.Space.Read<long>(area));
    }

    [Theory]
    [MemberData(nameof(BeforeTheLock))]
    public void Protection_that_went_and_came_back_is_a_changed_area(string place)
    {
        using var fixture = new FaultFixture();
        long area = fixture.Space.Map(4 * Page, Protection.ReadWrite);
        fixture.Space.Write(area + Page, 5L);
        FaultIntruder.At(place, () =>
        {
            fixture.Space.Protect(area, 4 * Page, Protection.Read);
            fixture.Space.Protect(area, 4 * Page, Protection.ReadWrite);
        });
        fixture.Fault(area, PageAccess.Write);
        Assert.Equal((1, 1), (fixture.Faults.VmaChanged, fixture.Faults.Classic));
        fixture.Space.Write(area, 7L);
        Assert.Equal((7L, 5L), (fixture.Space.Read<long>(area), fixture.Space.Read<long>(area + Page)));
    }

    [Theory]
    [MemberData(nameof(BeforeTheLock))]
    public void Identical_remap_is_not_the_same_area(string place)
    {
        using var fixture = new FaultFixture();
        long area = fixture.Space.Map(4 * Page, Protection.ReadWrite);
        long neighbour = fixture.Space.Map(Page, Protection.Read);
        fixture.Space.Read<long>(neighbour); // keeps the table of both
        FaultIntruder.At(place, () =>
        {
            fixture.Space.Unmap(area, 4 * Page);
            Assert.Equal(area, fixture.Space.Map(4 * Page, Protection.ReadWrite, MapFlags.FixedNoReplace, area));
        });
        fixture.Fault(area, PageAccess.Write);
        Assert.Equal(1, fixture.Faults.VmaChanged);
        Assert.Equal(1, fixture.Faults.DemandZero);
    }

    [Theory]
    [MemberData(nameof(BeforeTheLock))]
    public void Split_in_mid_fault_is_a_changed_area(string place)
    {
        using var fixture = new FaultFixture();
        long area = fixture.Space.Map(4 * Page, Protection.ReadWrite);
        fixture.Space.Write(area + (3 * Page), 1L);
        FaultIntruder.At(place, () => fixture.Space.Protect(area + (2 * Page), Page, Protection.Read));
        fixture.Fault(area, PageAccess.Write);
        Assert.Equal(1, fixture.Faults.VmaChanged);
    }

    [Theory]
    [MemberData(nameof(BeforeTheLock))]
    public void Merge_that_swallows_the_area_is_a_changed_area(string place)
    {
        using var fixture = new FaultFixture();
        long area = fixture.Space.Map(4 * Page, Protection.ReadWrite);
        fixture.Space.Protect(area + (2 * Page), 2 * Page, Protection.Read);
        fixture.Space.Read<long>(area + (3 * Page));
        FaultIntruder.At(place, () => fixture.Space.Protect(area + (2 * Page), 2 * Page, Protection.ReadWrite));
        fixture.Fault(area, PageAccess.Write);
        Assert.Equal(1, fixture.Faults.VmaChanged);
    }

    [Theory]
    [MemberData(nameof(BeforeTheLock))]
    public void Unmapped_in_mid_fault_installs_nothing(string place)
    {
        using var fixture = new FaultFixture();
        long area = fixture.Space.Map(4 * Page, Protection.ReadWrite);
        FaultIntruder.At(place, () => fixture.Space.Unmap(area, 4 * Page));
        AddressFaultException fault = Assert.Throws<AddressFaultException>(() => fixture.Fault(area, PageAccess.Write));
        Assert.Equal((area, PageAccess.Write, null), (fault.Address, fault.Access, fault.Protection));
        Assert.Equal(1, fixture.Faults.VmaChanged + fixture.Faults.PmdChanged);
        Assert.Equal(0, fixture.Space.GetStatistics().ResidentPages);
    }

    [Fact]
    public void Table_that_was_taken_out_is_a_changed_table()
    {
        using var fixture = new FaultFixture();
        long area = fixture.Space.Map(4 * Page, Protection.ReadWrite);
        FaultIntruder.At(PageFaults.PausePrepared, () =>
        {
            fixture.Space.Unmap(area, 4 * Page);
            fixture.Space.Map(4 * Page, Protection.ReadWrite, MapFlags.Fixed, area);
        });
        fixture.Fault(area, PageAccess.Write);
        Assert.Equal((1, 1), (fixture.Faults.PmdChanged, fixture.Faults.Classic));
    }

    [Theory]
    [InlineData(PageFaults.PauseFound)]
    [InlineData(PageFaults.PausePrepared)]
    public void Collapsing_range_is_a_state_of_its_own(string place)
    {
        using var fixture = new FaultFixture();
        long area = fixture.Space.Map(4 * Page, Protection.ReadWrite);
        fixture.Space.Write(area + Page, 3L);
        ulong* upper = fixture.Tables.UpperEntryOf((ulong)area >> 12, 1, fixture.Tables.Root);
        ulong leaf = *upper;
        FaultIntruder.At(place, () => *upper = (ulong)SharedTables.CollapsingLeaf);
        FaultIntruder.At(PageFaults.PauseFellBack, () => *upper = leaf);
        fixture.Fault(area, PageAccess.Write);
        Assert.Equal((1, 1), (fixture.Faults.PmdChanged, fixture.Faults.Classic));
    }

    [Fact]
    public void Lock_that_somebody_has_is_not_waited_for()
    {
        using var fixture = new FaultFixture();
        long area = fixture.Space.Map(4 * Page, Protection.ReadWrite);
        fixture.Space.Write(area + Page, 3L);
        ulong* leaf = (ulong*)*fixture.Tables.UpperEntryOf((ulong)area >> 12, 1, fixture.Tables.Root);
        FaultIntruder.At(PageFaults.PausePrepared, () => fixture.Tables.HeadOf(leaf).Lock.Enter());
        FaultIntruder.At(PageFaults.PauseFellBack, () => fixture.Tables.HeadOf(leaf).Lock.Exit());
        fixture.Fault(area, PageAccess.Write);
        Assert.Equal((1, 1), (fixture.Faults.PteLock, fixture.Faults.Classic));
    }

    [Fact]
    public void Without_a_frame_for_a_table_it_leaves_the_waiting_to_the_classic_fault()
    {
        using var fixture = new FaultFixture();
        long area = fixture.Space.Map(4 * Page, Protection.ReadWrite);
        fixture.TakeAllFrames();
        FaultIntruder.At(PageFaults.PauseFellBack, () => fixture.GiveFrames());
        fixture.Fault(area, PageAccess.Write);
        Assert.Equal((1, 1), (fixture.Faults.NoAnon, fixture.Faults.Classic));
    }

    [Fact]
    public void Without_a_frame_for_the_page_it_leaves_the_waiting_to_the_classic_fault()
    {
        using var fixture = new FaultFixture();
        long area = fixture.Space.Map(4 * Page, Protection.ReadWrite);
        fixture.Space.Write(area + Page, 3L);
        fixture.TakeAllFrames();
        FaultIntruder.At(PageFaults.PauseFellBack, () => fixture.GiveFrames());
        fixture.Fault(area, PageAccess.Write);
        Assert.Equal((1, 1), (fixture.Faults.NotSupported, fixture.Faults.Classic));
    }

    [Theory]
    [InlineData(Protection.Read, PageAccess.Write)]
    [InlineData(Protection.None, PageAccess.Read)]
    [InlineData(Protection.None, PageAccess.Write)]
    public void Forbidden_access_is_told_by_address_access_and_protection(Protection protection, PageAccess access)
    {
        using var fixture = new FaultFixture();
        long area = fixture.Space.Map(4 * Page, protection);
        AddressFaultException fault = Assert.Throws<AddressFaultException>(() => fixture.Fault(area + Page, access));
        Assert.Equal((area + Page, access, protection), (fault.Address, fault.Access, fault.Protection));
        Assert.Equal(1, fixture.Faults.Access);
        Assert.Contains($"0x{area + Page:x}", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Where_nothing_is_mapped_nothing_is_attempted()
    {
        using var fixture = new FaultFixture();
        Assert.Null(Assert.Throws<AddressFaultException>(() => fixture.Fault(1 << 30, PageAccess.Read)).Protection);
        Assert.Equal((1, 1), (fixture.Faults.Attempts, fixture.Faults.NotAttempted));
    }

    [Fact]
    public void Without_a_permit_nothing_is_attempted_and_the_classic_fault_waits_for_one()
    {
        using var fixture = new FaultFixture(new AddressSpaceOptions { FaultPermits = 1 });
        long area = fixture.Space.Map(4 * Page, Protection.ReadWrite);
        FaultPermit permit = FaultPermit.None;
        Assert.True(fixture.Space.Faults.Permits.TryTake(0, ref permit));
        FaultIntruder.At(PageFaults.PauseFellBack, () => fixture.Space.Faults.Permits.Return(ref permit));
        fixture.Fault(area, PageAccess.Write);
        Assert.Equal((1, 1, 1), (fixture.Faults.NotAttempted, fixture.Faults.Classic, fixture.Faults.PermitsPeak));
    }

    [Fact]
    public void The_frame_of_an_attempt_in_vain_is_used_by_the_retry()
    {
        using var fixture = new FaultFixture();
        long area = fixture.Space.Map(4 * Page, Protection.ReadWrite);
        fixture.Space.Write(area + Page, 3L);
        ulong before = fixture.Frames.GetStatistics().AllocatedFrames;
        FaultIntruder.At(PageFaults.PausePrepared, () =>
        {
            fixture.Space.Protect(area, Page, Protection.Read);
            fixture.Space.Protect(area, Page, Protection.ReadWrite);
            fixture.TakeAllFrames(); // no other frame is left
        });
        fixture.Fault(area, PageAccess.Write);
        fixture.GiveFrames();
        Assert.Equal((1, before + 1), (fixture.Faults.Classic, fixture.Frames.GetStatistics().AllocatedFrames));
    }

    [Fact]
    public void The_loser_of_a_race_for_a_page_keeps_its_frame_for_later()
    {
        using var fixture = new FaultFixture();
        long area = fixture.Space.Map(4 * Page, Protection.ReadWrite);
        FaultIntruder.At(PageFaults.PausePrepared, () => RunElsewhere(() => fixture.Space.Write(area, 9L)));
        fixture.Fault(area, PageAccess.Write);
        Assert.Equal((9L, 1), (fixture.Space.Read<long>(area), fixture.Faults.Duplicates));
        Assert.Equal(1, fixture.Space.GetStatistics().KeptFrames);
        Assert.Equal(2, fixture.Faults.Successes);
    }

    [Theory]
    [InlineData(FaultMode.Speculative)]
    [InlineData(FaultMode.Classic)]
    public void Frames_that_are_exhausted_are_an_error_and_nothing_is_lost(FaultMode mode)
    {
        using var fixture = new FaultFixture(Mode(mode));
        long area = fixture.Space.Map(600 * Page, Protection.ReadWrite);
        for (int step = 0; step < 4; step++)
        {
            // Each step has the frame for one table more, and the last one for none but the page's.
            fixture.TakeAllFrames(but: step == 0 ? 0 : 1);
            Assert.Throws<OutOfMemoryException>(() => fixture.Space.Write(area, 4L));
            fixture.GiveFrames();
            fixture.Space.Validate();
        }

        fixture.Space.Write(area, 6L);
        Assert.Equal(6L, fixture.Space.Read<long>(area));
    }

    private static void RunElsewhere(Action action) => Support.StartGate.Run(1, _ => action());
}
