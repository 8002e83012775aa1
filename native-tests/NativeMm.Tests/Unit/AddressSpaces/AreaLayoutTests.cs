using NativeMm.AddressSpaces;
using NativeMm.Tests.Support.AddressSpaces;
using Xunit;

namespace NativeMm.Tests.Unit.AddressSpaces;

/// <summary>In which order a change reaches records, tree and tables, and that what is refused has changed nothing.</summary>
public sealed unsafe class AreaLayoutTests
{
    [Fact]
    public void Entries_change_after_the_record_is_detached_and_the_tree_published()
    {
        using var fixture = new LayoutFixture();
        fixture.Map(0, 8);
        Vma* area = fixture.Find(3);
        VmaState seen = area->State;
        int calls = 0;
        fixture.Tables.Entering = (call, _) =>
        {
            if (call.StartsWith("boundary", StringComparison.Ordinal))
            {
                Assert.True(area->IsStill(seen), "What may fail comes before anything changes.");
                return;
            }

            calls++;
            Assert.False(area->IsStill(seen));
            Assert.False(area == fixture.Find(3));
        };
        fixture.Protect(2, 4, Protection.Read);
        area = fixture.Find(3);
        seen = area->State;
        fixture.Unmap(3, 4);
        Assert.Equal(2, calls);
    }

    [Fact]
    public void A_fixed_map_clears_the_old_pages_before_the_new_area_can_be_found()
    {
        using var fixture = new LayoutFixture();
        fixture.Map(0, 8, Protection.Read);
        fixture.Tables.Content[LayoutFixture.Base + 3] = 7;
        fixture.Tables.Entering = (call, _) =>
        {
            if (call.StartsWith("clear", StringComparison.Ordinal))
            {
                Assert.True(fixture.Find(3) == null);
            }
        };
        LayoutFixture.Done(fixture.Layout.Map(new MapRequest(2, Protection.ReadWrite, VmaFlags.None, Placement.Fixed, LayoutFixture.Base + 3)));
        Assert.Equal("0-3 Read, 3-5 ReadWrite, 5-8 Read", fixture.Areas);
        Assert.Equal(0, fixture.Tables.Read(LayoutFixture.Base + 3));
        Assert.Contains("clear 4099-4101", fixture.Tables.Calls);
    }

    [Fact]
    public void A_fixed_map_with_the_same_attributes_is_one_area_with_its_neighbours_and_reads_as_zero()
    {
        using var fixture = new LayoutFixture();
        fixture.Map(0, 8);
        fixture.Tables.Content[LayoutFixture.Base + 3] = 7;
        fixture.Tables.Content[LayoutFixture.Base + 5] = 8;
        LayoutFixture.Done(fixture.Layout.Map(new MapRequest(2, Protection.ReadWrite, VmaFlags.None, Placement.Fixed, LayoutFixture.Base + 3)));
        Assert.Equal("0-8 ReadWrite", fixture.Areas);
        Assert.Equal(0, fixture.Tables.Read(LayoutFixture.Base + 3));
        Assert.Equal(8, fixture.Tables.Read(LayoutFixture.Base + 5));
    }

    [Fact]
    public void A_move_maps_neither_place_while_the_entries_are_on_their_way()
    {
        using var fixture = new LayoutFixture();
        fixture.Map(0, 4);
        fixture.Tables.Content[LayoutFixture.Base + 1] = 5;
        bool moved = false;
        fixture.Tables.Entering = (call, _) =>
        {
            if (call.StartsWith("move", StringComparison.Ordinal))
            {
                moved = true;
                Assert.True(fixture.Find(1) == null && fixture.Find(11) == null);
            }
        };
        LayoutFixture.Done(fixture.Remap(0, 4, 6, RemapFlags.MayMove | RemapFlags.Fixed, 10));
        Assert.True(moved);
        Assert.Equal("10-16 ReadWrite", fixture.Areas);
        Assert.Equal(5, fixture.Tables.Read(LayoutFixture.Base + 11));
    }

    [Theory]
    [InlineData("unmap", 2)]
    [InlineData("protect", 2)]
    [InlineData("discard", 2)]
    [InlineData("map", 2)]
    [InlineData("move", 6)]
    public void A_refused_table_changes_nothing(string change, int calls)
    {
        for (int n = 1; n <= calls + 1; n++)
        {
            using var fixture = new LayoutFixture();
            fixture.Map(0, 8, flags: VmaFlags.HugePages);
            fixture.Map(20, 30, Protection.Read);
            fixture.Tables.Content[LayoutFixture.Base + 3] = 7;
            string before = fixture.Areas;
            int callsBefore = fixture.Tables.FallibleCalls;
            fixture.Tables.Refuse(n);
            LayoutResult result = Change(fixture, change);
            fixture.Tables.Refuse(0);
            if (n > calls)
            {
                Assert.Equal((LayoutOutcome.Done, calls), (result.Outcome, fixture.Tables.FallibleCalls - callsBefore));
                continue;
            }

            Assert.Equal(LayoutOutcome.NoFrames, result.Outcome);
            Assert.Equal(before, fixture.Areas);
            Assert.Equal(7, fixture.Tables.Read(LayoutFixture.Base + 3));
            fixture.Layout.Validate();
        }
    }

    private static LayoutResult Change(LayoutFixture fixture, string change) => change switch
    {
        "unmap" => fixture.Layout.Unmap(LayoutFixture.Pages(2, 4)),
        "protect" => fixture.Layout.Protect(LayoutFixture.Pages(2, 4), Protection.Read),
        "discard" => fixture.Layout.Discard(LayoutFixture.Pages(2, 4), free: true),
        "map" => fixture.Layout.Map(new MapRequest(2, Protection.None, VmaFlags.None, Placement.Fixed, LayoutFixture.Base + 2)),
        _ => fixture.Remap(2, 4, 2, RemapFlags.MayMove | RemapFlags.Fixed, 22),
    };

    [Fact]
    public void Only_an_area_that_is_cut_off_a_multiple_of_2_MiB_needs_its_boundary_prepared()
    {
        using var fixture = new LayoutFixture();
        fixture.Map(0, 2048, flags: VmaFlags.HugePages);
        fixture.Unmap(512, 1024);
        Assert.Equal(["clear 4608-5120"], fixture.Tables.Calls);
        fixture.Unmap(1100, 2048);
        Assert.Equal("boundary 5196 huge", fixture.Tables.Calls[1]);
        fixture.Map(3000, 3010);
        fixture.Unmap(3000, 3010);
        Assert.Equal(4, fixture.Tables.Calls.Count);
    }
}
