using NativeMm.AddressSpaces;
using NativeMm.Diagnostics;
using NativeMm.Frames;
using NativeMm.Primitives;
using NativeMm.Tests.Support.AddressSpaces;
using Xunit;
using Xunit.Sdk;
using static NativeMm.Tests.Unit.AddressSpaces.FaultFixture;

namespace NativeMm.Tests.Unit.AddressSpaces;

/// <summary>What the fixtures of address spaces promise to notice at their end, done to them on purpose.</summary>
public sealed unsafe class FixtureCanaryTests
{
    [Fact]
    public void A_frame_that_nobody_gives_back_fails_a_test_of_faults() => AssertNoticed(() =>
    {
        var fixture = new FaultFixture();
        return (fixture, fixture.Frames);
    });

    [Fact]
    public void A_frame_that_nobody_gives_back_fails_a_test_of_tables() => AssertNoticed(() =>
    {
        var fixture = new TablesFixture();
        return (fixture, fixture.Frames);
    });

    [Fact]
    public void A_frame_that_nobody_gives_back_fails_a_test_of_spaces() => AssertNoticed(() =>
    {
        var fixture = new SpaceFixture();
        return (fixture, fixture.Frames);
    });

    [Theory]
    [InlineData(Protection.None, LeafEntry.NotAccessed)]
    [InlineData(Protection.None, LeafEntry.NotWritable)]
    [InlineData(Protection.Read, LeafEntry.NotWritable)]
    public void A_page_that_hits_for_what_its_area_forbids_is_found_by_validation(Protection protection, ulong flag)
    {
        using var fixture = new FaultFixture();
        long area = fixture.Space.Map(4 * Page, Protection.ReadWrite);
        fixture.Space.Write(area + Page, 1L);
        ulong page = (ulong)(area + Page) >> Pfn.FrameShift;
        fixture.Space.Protect(area, 4 * Page, protection);
        Assert.Equal(GrowOutcome.Grown, fixture.Tables.TryGrow(page, null, out ulong* leaf));
        ulong* entry = leaf + PageTables.Index(page, 0);
        *entry &= ~flag;
        Assert.Contains($"{page:x}", Assert.Throws<InvariantViolationException>(fixture.Space.Validate).Message, StringComparison.Ordinal);

        *entry |= flag;
        fixture.Space.Validate();
    }

    [Fact]
    public void A_page_whose_entry_is_lost_fails_a_test_of_faults()
    {
        var fixture = new FaultFixture();
        long area = fixture.Space.Map(4 * Page, Protection.ReadWrite);
        fixture.Space.Write(area, 1L);
        Assert.Equal(GrowOutcome.Grown, fixture.Tables.TryGrow((ulong)area >> Pfn.FrameShift, null, out ulong* leaf));
        ulong* entry = leaf + PageTables.Index((ulong)area >> Pfn.FrameShift, 0);
        ulong before = *entry;
        *entry = LeafEntry.Empty.Word;
        Assert.ThrowsAny<Exception>(fixture.Dispose);

        *entry = before;
        fixture.Dispose();
    }

    [Fact]
    public void A_frame_that_is_freed_under_its_page_fails_a_test_of_faults()
    {
        var fixture = new FaultFixture();
        long area = fixture.Space.Map(4 * Page, Protection.ReadWrite);
        fixture.Space.Write(area, 1L);
        Pfn frame = fixture.Frames.Zone.FrameOf((void*)fixture.Look(area).Address);
        fixture.Frames.Free(frame, Order.Zero);
        Assert.ThrowsAny<Exception>(fixture.Dispose);
        fixture.Frames.Dispose();
        fixture.Frames.Zone.Dispose();
    }

    private static void AssertNoticed(Func<(IDisposable Fixture, IFrameAllocator Frames)> make)
    {
        (IDisposable fixture, IFrameAllocator frames) = make();
        Assert.True(frames.TryAllocate(Order.Zero, FrameFlags.None, out _, out _));
        XunitException noticed = Assert.ThrowsAny<XunitException>(fixture.Dispose);
        Assert.Contains("Actual:   1", noticed.Message, StringComparison.Ordinal);
        frames.Dispose();
        frames.Zone.Dispose();

        // The same without it: nothing else is counted.
        make().Fixture.Dispose();
    }
}
