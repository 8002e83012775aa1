using NativeMm.AddressSpaces;
using NativeMm.Diagnostics;
using Xunit;

namespace NativeMm.Tests.Unit.AddressSpaces.Tables;

/// <summary>Tables without areas: what a change does to entries, frames and hazards.</summary>
public sealed unsafe class PageTablesTests
{
    private static readonly ulong[] s_corners = [0, 1, 511, 512, (1 << 18) - 1, 1 << 18, (1 << 27) - 1, 1 << 27, PageTables.Pages - 1];

    [Fact]
    public void A_page_is_found_where_it_was_put_and_nowhere_else()
    {
        using var fixture = new TablesFixture();
        foreach (ulong page in s_corners)
        {
            Assert.True(fixture.Tables.Look(page).IsEmpty);
            nuint address = fixture.Install(page);
            Assert.Equal(address, fixture.Tables.Look(page).Address);
        }

        foreach (ulong page in s_corners)
        {
            Assert.Equal(page, *(ulong*)fixture.Tables.Look(page).Address);
        }

        Assert.Equal(s_corners.Length, fixture.Tables.Count().Resident);
        Assert.Equal((ulong)s_corners.Length, fixture.Tables.CountPopulated(new VpnRange(0, PageTables.Pages)));
    }

    [Theory]
    [InlineData(0ul)]
    [InlineData(0x1000ul)]
    [InlineData(0x7FFFFFFFF000ul)]
    [InlineData(0ul, 1)]
    [InlineData(0x1000ul, 2)]
    public void An_entry_that_leads_nowhere_is_named(ulong word, int level = 0)
    {
        using var fixture = new TablesFixture();
        fixture.Install(1000);
        ulong* entry = fixture.Tables.UpperEntryOf(1000, level, fixture.Tables.Root);
        ulong before = *entry;
        *entry = word;
        string message = Assert.Throws<InvariantViolationException>(fixture.Tables.Validate).Message;
        Assert.Contains(level == 0 ? "3e8" : $"level {level}", message, StringComparison.Ordinal);
        *entry = before;
    }

    [Fact]
    public void What_is_cleared_is_free_and_so_are_its_tables()
    {
        using var fixture = new TablesFixture();
        ulong before = fixture.Allocated();
        foreach (ulong page in s_corners)
        {
            fixture.Install(page);
        }

        foreach (ulong page in s_corners)
        {
            fixture.Tables.Clear(new VpnRange(page, page + 1));
            fixture.Tables.Validate();
        }

        Assert.Equal(before, fixture.Allocated());
        Assert.Equal(1, fixture.Tables.Count().Tables);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_hazard_keeps_frame_and_tables_until_it_goes(bool wholeLeaf)
    {
        using var fixture = new TablesFixture();
        ulong before = fixture.Allocated();
        nuint address = fixture.Install(1000);
        fixture.Install(1001);
        ulong* word = AccessSlot.LeaseWord(AccessSlots.Own(), 0);
        *word = fixture.Tables.Key | 1000 | (wholeLeaf ? Hazard.WholeLeaf : 0);
        fixture.Tables.Clear(new VpnRange(0, 4096));
        Assert.True(fixture.Tables.Look(1000).IsEmpty);
        Assert.Equal(1u, fixture.Tables.FrameOf(address).Mappings);
        Assert.Equal(1000ul, *(ulong*)address);
        Assert.Equal(wholeLeaf ? 5 : 4, fixture.Tables.Deferred.Count); // the frame, or both; the leaf and the two tables above it
        *word = 0;
        Assert.Equal(0, fixture.Tables.Deferred.Flush());
        Assert.Equal(before, fixture.Allocated());
    }

    [Fact]
    public void Frames_that_wait_for_a_hazard_need_no_frame_to_wait_in()
    {
        using var fixture = new FaultFixture();
        const int Pages = 40;
        long area = fixture.Space.Map(Pages * FaultFixture.Page, Protection.ReadWrite);
        for (int i = 0; i < Pages; i++)
        {
            fixture.Space.Write(area + (i * FaultFixture.Page), 1L);
        }

        fixture.TakeAllFrames();
        ulong* word = AccessSlot.LeaseWord(AccessSlots.Own(), 0);
        *word = fixture.Tables.Key | (ulong)(area >> 12) | Hazard.WholeLeaf;
        fixture.Space.Unmap(area, Pages * FaultFixture.Page);
        int waiting = fixture.Tables.Deferred.Count;
        *word = 0;
        Assert.InRange(waiting, Pages, Pages + 3);
        Assert.Equal(0, fixture.Tables.Deferred.Flush());
    }

    [Fact]
    public void A_lease_that_outlives_its_space_keeps_the_frame()
    {
        ulong* word = AccessSlot.LeaseWord(AccessSlots.Own(), 0);
        using (var fixture = new TablesFixture())
        {
            nuint address = fixture.Install(5);
            *word = fixture.Tables.Key | 5;
            fixture.Tables.Dispose();
            Assert.Equal(5ul, *(ulong*)address);
            Assert.NotEqual(0u, fixture.Allocated());
            *word = 0;
            Orphans.Flush();
            Assert.Equal(0u, fixture.Allocated());
        }
    }

    [Theory]
    [InlineData(Protection.None, true, true)]
    [InlineData(Protection.Read, false, true)]
    [InlineData(Protection.ReadWrite, false, false)]
    internal void A_right_that_is_taken_away_is_away_for_hits(Protection protection, bool stopsReads, bool stopsWrites)
    {
        using var fixture = new TablesFixture();
        fixture.Install(7);
        fixture.Install(8);
        fixture.Tables.Protect(new VpnRange(7, 8), protection);
        Assert.Equal((stopsReads, stopsWrites), (fixture.Tables.Look(7).Misses(LeafEntry.ReadMiss), fixture.Tables.Look(7).Misses(LeafEntry.WriteMiss)));
        Assert.False(fixture.Tables.Look(8).Misses(LeafEntry.WriteMiss));
    }

    [Theory]
    [InlineData(0ul, 512ul, 4096ul)]
    [InlineData(3ul, 700ul, 100_001ul)]
    [InlineData(500ul, 530ul, 1ul << 27)]
    public void Moved_pages_keep_their_frames(ulong start, ulong end, ulong destination)
    {
        using var fixture = new TablesFixture();
        var source = new VpnRange(start, end);
        var addresses = new Dictionary<ulong, nuint>();
        for (ulong page = start; page < end; page += 7)
        {
            addresses[page] = fixture.Install(page);
        }

        Assert.True(fixture.Tables.TryPrepareMove(source, destination));
        fixture.Tables.Move(source, destination);
        for (ulong page = start; page < end; page++)
        {
            Assert.True(fixture.Tables.Look(page).IsEmpty);
            Assert.Equal(addresses.GetValueOrDefault(page), fixture.Tables.Look(page - start + destination) is { IsEmpty: false } entry ? entry.Address : 0);
        }
    }

    [Fact]
    public void A_lease_of_the_old_address_pins_the_frame_of_a_moved_page()
    {
        using var fixture = new TablesFixture();
        nuint address = fixture.Install(9);
        ulong* word = AccessSlot.LeaseWord(AccessSlots.Own(), 0);
        *word = fixture.Tables.Key | 9;
        Assert.True(fixture.Tables.TryPrepareMove(new VpnRange(9, 10), 5000));
        fixture.Tables.Move(new VpnRange(9, 10), 5000);
        Assert.Equal(1u, fixture.Tables.FrameOf(address).Pins);
        fixture.Tables.Clear(new VpnRange(5000, 5001));
        Assert.Equal(1u, fixture.Tables.FrameOf(address).Pins);
        Assert.Equal(9ul, *(ulong*)address);
        *word = 0;
        Assert.Equal(0, fixture.Tables.Deferred.Flush());
    }

    [Fact]
    public void Copied_pages_are_shared_and_nobody_may_write_in_place()
    {
        using var fixture = new TablesFixture();
        using var child = new PageTables(fixture.Frames);
        nuint address = fixture.Install(600);
        fixture.Install(5);
        Assert.True(fixture.Tables.TryCopyTo(child, new VpnRange(512, 1024)));
        Assert.Equal(address, child.Look(600).Address);
        Assert.True(child.Look(5).IsEmpty);
        Assert.True(fixture.Tables.Look(600).Misses(LeafEntry.NotWritable));
        Assert.True(child.Look(600).Misses(LeafEntry.NotWritable));
        Assert.Equal(2u, child.FrameOf(address).Mappings);
        child.Validate();
    }

    [Fact]
    public void A_leased_or_pinned_page_is_copied_at_once_and_not_shared()
    {
        using var fixture = new TablesFixture();
        using var child = new PageTables(fixture.Frames);
        nuint leased = fixture.Install(600);
        nuint pinned = fixture.Install(601);
        fixture.Tables.FrameOf(pinned).AddPin();
        ulong* word = AccessSlot.LeaseWord(AccessSlots.Own(), 0);
        *word = fixture.Tables.Key | 600;
        Assert.True(fixture.Tables.TryCopyTo(child, new VpnRange(0, 1024)));
        *word = 0;
        Assert.NotEqual(leased, child.Look(600).Address);
        Assert.NotEqual(pinned, child.Look(601).Address);
        Assert.Equal(600ul, *(ulong*)child.Look(600).Address);
        Assert.Equal(601ul, *(ulong*)child.Look(601).Address);
        Assert.Equal(1u, fixture.Tables.FrameOf(leased).Mappings);
        fixture.Tables.DropPin(pinned);
    }
}
