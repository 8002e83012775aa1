using NativeMm.AddressSpaces;
using NativeMm.Tests.Support.AddressSpaces;
using Xunit;

namespace NativeMm.Tests.Unit.AddressSpaces;

/// <summary>Where areas are put, and how stacks grow.</summary>
public sealed class AreaPlacesTests
{
    [Fact]
    public void The_lowest_hole_that_is_long_enough_is_taken()
    {
        using var fixture = new LayoutFixture();
        Assert.Equal(AreaLayout.LowestPage, Choose(fixture, 3));
        Assert.Equal(AreaLayout.LowestPage + 3, Choose(fixture, 4, Protection.Read));
        Assert.Equal(AreaLayout.LowestPage + 7, Choose(fixture, 2, Protection.None));
        LayoutFixture.Done(fixture.Layout.Unmap(new VpnRange(AreaLayout.LowestPage + 3, AreaLayout.LowestPage + 6)));
        Assert.Equal(AreaLayout.LowestPage + 9, Choose(fixture, 4));
        Assert.Equal(AreaLayout.LowestPage + 3, Choose(fixture, 3));
    }

    [Fact]
    public void A_hint_is_where_the_search_begins_and_not_where_it_ends()
    {
        using var fixture = new LayoutFixture();
        Assert.Equal(1000UL, Choose(fixture, 4, hint: 1000));
        Assert.Equal(1004UL, Choose(fixture, 4, hint: 1002));
        ulong last = AreaLayout.EndPage - 8;
        Assert.Equal(last, Choose(fixture, 8, hint: last));
        Assert.Equal(AreaLayout.LowestPage, Choose(fixture, 8, hint: last));
    }

    [Fact]
    public void A_space_is_full_when_no_hole_is_long_enough()
    {
        using var fixture = new LayoutFixture();
        Assert.Equal(AreaLayout.LowestPage, Choose(fixture, AreaLayout.EndPage - AreaLayout.LowestPage - 1));
        Assert.Equal(LayoutOutcome.NoAddresses, fixture.Layout.Map(new MapRequest(2, Protection.Read, VmaFlags.None, Placement.Anywhere, 0)).Outcome);
        Assert.Equal(AreaLayout.EndPage - 1, Choose(fixture, 1));
        Assert.Equal(LayoutOutcome.NoAddresses, fixture.Layout.Map(new MapRequest(1, Protection.Read, VmaFlags.None, Placement.Anywhere, 0)).Outcome);
    }

    [Fact]
    public void Huge_pages_lie_at_multiples_of_2_MiB_while_there_is_room_for_it()
    {
        using var fixture = new LayoutFixture();
        Assert.Equal(AreaLayout.HugePages, Choose(fixture, 600, flags: VmaFlags.HugePages));
        Assert.Equal(AreaLayout.LowestPage, Choose(fixture, 300, flags: VmaFlags.HugePages));
        Assert.Equal(3 * AreaLayout.HugePages, Choose(fixture, 600, flags: VmaFlags.HugePages));

        // The rest of the space has no multiple of 2 MiB left.
        fixture.Layout.Map(new MapRequest(
            AreaLayout.EndPage - 2200, Protection.None, VmaFlags.None, Placement.Fixed, 2200));
        fixture.Layout.Unmap(new VpnRange(AreaLayout.EndPage - 600, AreaLayout.EndPage));
        Assert.Equal(AreaLayout.EndPage - 600, Choose(fixture, 600, flags: VmaFlags.HugePages));
    }

    [Fact]
    public void Nothing_is_chosen_in_the_guard_gap_of_a_stack()
    {
        using var fixture = new LayoutFixture();
        ulong stack = AreaLayout.LowestPage + 300;
        LayoutFixture.Done(fixture.Layout.Map(new MapRequest(4, Protection.ReadWrite, VmaFlags.GrowsDown, Placement.Fixed, stack)));
        Assert.Equal(AreaLayout.LowestPage, Choose(fixture, 44));
        Assert.Equal(stack + 4, Choose(fixture, 1));

        // Where it is said the gap does not count, as in the kernel.
        LayoutFixture.Done(fixture.Layout.Map(new MapRequest(1, Protection.Read, VmaFlags.None, Placement.Fixed, stack - 1)));

        // A stack that is placed has its gap to what is below.
        Assert.Equal(stack + 5 + AreaLayout.GuardPages, Choose(fixture, 2, flags: VmaFlags.GrowsDown, hint: stack));
    }

    [Fact]
    public void A_stack_grows_down_to_the_page_that_is_used()
    {
        using var fixture = new LayoutFixture();
        fixture.Map(1000, 1010, flags: VmaFlags.GrowsDown);
        Assert.True(fixture.Layout.TryGrowTo(LayoutFixture.Base + 900));
        Assert.Equal("900-1010 ReadWrite GrowsDown", fixture.Areas);
        Assert.True(fixture.Layout.TryGrowTo(LayoutFixture.Base + 905), "It lies in the area by now.");
        Assert.False(fixture.Layout.TryGrowTo(LayoutFixture.Base + 2000));
    }

    [Theory]
    [InlineData(Protection.Read, VmaFlags.None, 756, false)]
    [InlineData(Protection.Read, VmaFlags.None, 757, true)]
    [InlineData(Protection.None, VmaFlags.None, 501, true)]
    [InlineData(Protection.Read, VmaFlags.GrowsDown, 501, true)]
    public void A_stack_keeps_its_gap_to_what_is_accessible_below(Protection protection, object flags, ulong page, bool grows)
    {
        using var fixture = new LayoutFixture();
        fixture.Map(490, 501, protection, (VmaFlags)flags);
        fixture.Map(1000, 1010, flags: VmaFlags.GrowsDown);
        Assert.Equal(grows, fixture.Layout.TryGrowTo(LayoutFixture.Base + page));
        Assert.Equal(grows ? page : 1000, fixture.AllAreas()[1].Pages.Start - LayoutFixture.Base);
    }

    [Fact]
    public void A_stack_grows_to_its_limit_and_no_other_area_grows()
    {
        using var fixture = new LayoutFixture(new AddressSpaceOptions { GrowthBytesMax = 64 << 10 });
        fixture.Map(1000, 1010, flags: VmaFlags.GrowsDown);
        Assert.False(fixture.Layout.TryGrowTo(LayoutFixture.Base + 993));
        Assert.True(fixture.Layout.TryGrowTo(LayoutFixture.Base + 994));
        fixture.Map(2000, 2010);
        Assert.False(fixture.Layout.TryGrowTo(LayoutFixture.Base + 1999));
        Assert.False(fixture.Layout.TryGrowTo(AreaLayout.LowestPage - 1));
    }

    private static ulong Choose(
        LayoutFixture fixture, ulong pages, Protection protection = Protection.ReadWrite, VmaFlags flags = VmaFlags.None, ulong hint = 0)
    {
        LayoutResult result = fixture.Layout.Map(new MapRequest(pages, protection, flags, Placement.Anywhere, hint));
        Assert.Equal(LayoutOutcome.Done, result.Outcome);
        return result.Page;
    }
}
