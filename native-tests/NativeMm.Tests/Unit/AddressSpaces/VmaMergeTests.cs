using NativeMm.AddressSpaces;
using NativeMm.Tests.Support.AddressSpaces;
using Xunit;

namespace NativeMm.Tests.Unit.AddressSpaces;

/// <summary>
/// The kernel's own tests of its areas (tools/testing/vma), by their names. What the kernel calls sticky is <see cref="VmaFlags.Forked"/> here, an area with a close
/// hook is <see cref="VmaFlags.Owned"/>, and the flags that never merge are <see cref="VmaFlags.Special"/>.
/// </summary>
public sealed class VmaMergeTests
{
    private const Protection Other = Protection.Read;

    [Fact]
    public void Simple_merge()
    {
        using var fixture = new LayoutFixture();
        fixture.Map(0, 1);
        fixture.Map(2, 3);
        fixture.Map(1, 2);
        Assert.Equal("0-3 ReadWrite", fixture.Areas);
    }

    [Fact]
    public void Simple_modify()
    {
        using var fixture = new LayoutFixture();
        fixture.Map(0, 3);
        fixture.Protect(1, 2, Other);
        Assert.Equal("0-1 ReadWrite, 1-2 Read, 2-3 ReadWrite", fixture.Areas);
        fixture.Protect(1, 2, Protection.ReadWrite);
        Assert.Equal("0-3 ReadWrite", fixture.Areas);
    }

    [Fact]
    public void Simple_expand()
    {
        using var fixture = new LayoutFixture();
        fixture.Map(0, 2);
        LayoutFixture.Done(fixture.Remap(0, 2, 3));
        Assert.Equal("0-3 ReadWrite", fixture.Areas);
    }

    [Fact]
    public void Simple_shrink()
    {
        using var fixture = new LayoutFixture();
        fixture.Map(0, 3);
        LayoutFixture.Done(fixture.Remap(0, 3, 1));
        Assert.Equal("0-1 ReadWrite", fixture.Areas);
    }

    public static TheoryData<int> Combinations => [.. Enumerable.Range(0, 16)];

    [Theory]
    [MemberData(nameof(Combinations))]
    public void Merge_new(int sticky)
    {
        VmaFlags Sticky(int bit) => (sticky >> bit & 1) != 0 ? VmaFlags.Forked : VmaFlags.None;
        string Text(VmaFlags flags) => flags == VmaFlags.None ? "" : " Forked";
        VmaFlags a = Sticky(0), b = Sticky(1), c = Sticky(2), d = Sticky(3);
        using var fixture = new LayoutFixture();
        fixture.Map(0, 2, flags: a);
        fixture.Map(3, 4, flags: b);
        fixture.Map(11, 13, flags: c);

        // No merge, both sides, previous, next, both sides, next, both sides.
        fixture.Map(7, 9, flags: d);
        string end = $"11-13 ReadWrite{Text(c)}";
        Assert.Equal($"0-2 ReadWrite{Text(a)}, 3-4 ReadWrite{Text(b)}, 7-9 ReadWrite{Text(d)}, {end}", fixture.Areas);
        fixture.Map(2, 3);
        Assert.Equal($"0-4 ReadWrite{Text(a | b)}, 7-9 ReadWrite{Text(d)}, {end}", fixture.Areas);
        fixture.Map(4, 5);
        Assert.Equal($"0-5 ReadWrite{Text(a | b)}, 7-9 ReadWrite{Text(d)}, {end}", fixture.Areas);
        fixture.Map(6, 7);
        Assert.Equal($"0-5 ReadWrite{Text(a | b)}, 6-9 ReadWrite{Text(d)}, {end}", fixture.Areas);
        fixture.Map(5, 6);
        Assert.Equal($"0-9 ReadWrite{Text(a | b | d)}, {end}", fixture.Areas);
        fixture.Map(10, 11);
        Assert.Equal($"0-9 ReadWrite{Text(a | b | d)}, 10-13 ReadWrite{Text(c)}", fixture.Areas);
        fixture.Map(9, 10);
        Assert.Equal($"0-13 ReadWrite{Text(a | b | c | d)}", fixture.Areas);
    }

    [Fact]
    public void Merge_special_flags()
    {
        using var fixture = new LayoutFixture();
        fixture.Map(0, 3, flags: VmaFlags.Special);
        fixture.Map(3, 4, flags: VmaFlags.Special);
        Assert.Equal("0-3 ReadWrite Special, 3-4 ReadWrite Special", fixture.Areas);
        fixture.Map(4, 5, Other, VmaFlags.Special);
        fixture.Protect(4, 5, Protection.ReadWrite);
        Assert.Equal("0-3 ReadWrite Special, 3-4 ReadWrite Special, 4-5 ReadWrite Special", fixture.Areas);
    }

    [Theory]
    [InlineData(VmaFlags.None, VmaFlags.None, "0-9 ReadWrite")]
    [InlineData(VmaFlags.Owned, VmaFlags.None, "0-9 ReadWrite Owned")]
    [InlineData(VmaFlags.None, VmaFlags.Owned, "0-5 ReadWrite, 5-9 ReadWrite Owned")]
    [InlineData(VmaFlags.Owned, VmaFlags.Owned, "0-5 ReadWrite Owned, 5-9 ReadWrite Owned")]
    public void Merge_with_close_of_a_new_area(object previous, object next, string expected)
    {
        using var fixture = new LayoutFixture();
        fixture.Map(0, 3, flags: (VmaFlags)previous);
        fixture.Map(5, 9, flags: (VmaFlags)next);
        fixture.Map(3, 5);
        Assert.Equal(expected, fixture.Areas);
    }

    [Fact]
    public void Merge_with_close_extends_the_next_area()
    {
        using var fixture = new LayoutFixture();
        fixture.Map(5, 9, flags: VmaFlags.Owned);
        fixture.Map(3, 5);
        Assert.Equal("3-9 ReadWrite Owned", fixture.Areas);
    }

    [Theory]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(true, true)]
    public void Merge_with_close_never_swallows_the_area_that_changes(bool previous, bool next)
    {
        using var fixture = new LayoutFixture();
        string expected = "3-5 ReadWrite Owned";
        if (previous)
        {
            fixture.Map(0, 3);
            expected = $"0-3 ReadWrite, {expected}";
        }

        fixture.Map(3, 5, Other, VmaFlags.Owned);
        if (next)
        {
            fixture.Map(5, 9);
            expected += ", 5-9 ReadWrite";
        }

        fixture.Protect(3, 5, Protection.ReadWrite);
        Assert.Equal(expected, fixture.Areas);
    }

    [Fact]
    public void Merge_with_close_reduces_a_merge_of_three_to_one_of_two()
    {
        using var fixture = new LayoutFixture();
        fixture.Map(0, 3);
        fixture.Map(3, 5, Other);
        fixture.Map(5, 9, flags: VmaFlags.Owned);
        fixture.Protect(3, 5, Protection.ReadWrite);
        Assert.Equal("0-5 ReadWrite, 5-9 ReadWrite Owned", fixture.Areas);
    }

    [Theory]
    [InlineData("2-6 6-9", 3, 6, "2-3 Read, 3-9 ReadWrite")]
    [InlineData("2-6 6-9", 2, 6, "2-9 ReadWrite")]
    [InlineData("0-3 3-7", 3, 6, "0-6 ReadWrite, 6-7 Read")]
    [InlineData("0-3 3-7", 3, 7, "0-7 ReadWrite")]
    [InlineData("0-3 3-7 7-9", 3, 7, "0-9 ReadWrite")]
    [InlineData("0-3 3-8 8-10", 4, 5, "0-3 ReadWrite, 3-4 Read, 4-5 ReadWrite, 5-8 Read, 8-10 ReadWrite")]
    [InlineData("0-3 3-8 8-10", 5, 6, "0-3 ReadWrite, 3-5 Read, 5-6 ReadWrite, 6-8 Read, 8-10 ReadWrite")]
    [InlineData("0-3 3-8 8-10", 6, 7, "0-3 ReadWrite, 3-6 Read, 6-7 ReadWrite, 7-8 Read, 8-10 ReadWrite")]
    [InlineData("0-3 3-8 8-10", 4, 7, "0-3 ReadWrite, 3-4 Read, 4-7 ReadWrite, 7-8 Read, 8-10 ReadWrite")]
    [InlineData("0-3 3-8 8-10", 4, 6, "0-3 ReadWrite, 3-4 Read, 4-6 ReadWrite, 6-8 Read, 8-10 ReadWrite")]
    [InlineData("0-3 3-8 8-10", 5, 7, "0-3 ReadWrite, 3-5 Read, 5-7 ReadWrite, 7-8 Read, 8-10 ReadWrite")]
    public void Merge_existing(string areas, ulong start, ulong end, string expected)
    {
        using var fixture = new LayoutFixture();
        foreach (string area in areas.Split(' '))
        {
            ulong[] pages = [.. area.Split('-').Select(ulong.Parse)];
            fixture.Map(pages[0], pages[1], pages[0] <= start && start < pages[1] ? Other : Protection.ReadWrite);
        }

        fixture.Protect(start, end, Protection.ReadWrite);
        Assert.Equal(expected, fixture.Areas);
    }

    [Fact]
    public void Merge_extend()
    {
        using var fixture = new LayoutFixture();
        fixture.Map(0, 1);
        fixture.Map(4, 5);
        LayoutFixture.Done(fixture.Remap(0, 1, 4));
        Assert.Equal("0-5 ReadWrite", fixture.Areas);
    }

    [Fact]
    public void Copy_vma()
    {
        using var fixture = new LayoutFixture();
        fixture.Map(3, 5);
        LayoutFixture.Done(fixture.Remap(3, 5, 2, RemapFlags.MayMove | RemapFlags.Fixed, 0));
        Assert.Equal("0-2 ReadWrite", fixture.Areas);

        // Beside another area the two become one.
        fixture.Map(8, 10);
        LayoutFixture.Done(fixture.Remap(0, 2, 2, RemapFlags.MayMove | RemapFlags.Fixed, 6));
        Assert.Equal("6-10 ReadWrite", fixture.Areas);
    }

    [Theory]
    [InlineData(Other, VmaFlags.None)]
    [InlineData(Protection.None, VmaFlags.None)]
    [InlineData(Protection.ReadWrite, VmaFlags.HugePages)]
    [InlineData(Protection.ReadWrite, VmaFlags.GrowsDown)]
    public void Areas_of_another_kind_stay_apart(Protection protection, object flags)
    {
        using var fixture = new LayoutFixture();
        fixture.Map(0, 2);
        fixture.Map(4, 6);
        fixture.Map(2, 4, protection, (VmaFlags)flags);
        Assert.Equal(3, fixture.AllAreas().Length);
    }

    [Fact]
    public void A_change_that_changes_nothing_leaves_the_records_alone()
    {
        using var fixture = new LayoutFixture();
        fixture.Map(0, 4);
        fixture.Map(4, 6, Other);
        long before = fixture.Layout.GetStatistics().Detached;
        fixture.Protect(1, 3, Protection.ReadWrite);
        fixture.Protect(4, 6, Other);
        fixture.Unmap(8, 9);
        Assert.Equal(before, fixture.Layout.GetStatistics().Detached);

        // A part that changes leaves the neighbours alone that stay what they are.
        fixture.Map(6, 8, Protection.None);
        unsafe
        {
            Vma* first = fixture.Find(0);
            Vma* last = fixture.Find(7);
            fixture.Protect(0, 6, Other);
            Assert.True(first->State.IsDetached && first != fixture.Find(0));
            Assert.True(!last->State.IsDetached && last == fixture.Find(7));
        }
    }
}
