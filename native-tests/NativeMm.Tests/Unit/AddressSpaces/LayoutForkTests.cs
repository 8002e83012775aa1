using NativeMm.AddressSpaces;
using NativeMm.Tests.Support.AddressSpaces;
using Xunit;

namespace NativeMm.Tests.Unit.AddressSpaces;

public sealed unsafe class LayoutForkTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(15)]
    [InlineData(16)]
    [InlineData(225)]
    [InlineData(226)]
    [InlineData(3500)]
    public void The_child_has_the_same_areas_in_a_tree_of_its_own(int areas)
    {
        using var fixture = new LayoutFixture(chunkBytes: VmaStore.DefaultChunkBytes);
        for (ulong i = 0; i < (ulong)areas; i++)
        {
            fixture.Map(3 * i, (3 * i) + 1 + (i % 2), (Protection)(i % 3));
        }

        using var child = new LayoutFixture();
        LayoutFixture.Done(fixture.Layout.ForkTo(child.Layout));
        Assert.Equal(fixture.AllAreas(), child.AllAreas());
        Assert.Equal(areas, child.AllAreas().Length);
        Assert.All(child.AllAreas(), area => Assert.Equal(VmaFlags.Forked, area.Flags));
        fixture.Layout.Validate();
        child.Layout.Validate();
        child.Unmap(0, 100_000);
        Assert.Equal(areas, fixture.AllAreas().Length);
    }

    [Fact]
    public void Content_is_shared_and_every_record_of_the_parent_is_detached_while_it_is()
    {
        using var fixture = new LayoutFixture();
        fixture.Map(0, 4);
        fixture.Map(8, 12, Protection.Read);
        fixture.Tables.Content[LayoutFixture.Base + 9] = 5;
        Vma* first = fixture.Find(0);
        Vma* second = fixture.Find(8);
        (VmaState seenFirst, VmaState seenSecond) = (first->State, second->State);
        int copies = 0;
        fixture.Tables.Entering = (call, _) =>
        {
            // Whoever faults now finds what is detached, and waits for the lock: nothing is written between two copies.
            Assert.False(first->IsStill(seenFirst) || second->IsStill(seenSecond));
            Assert.True(fixture.Find(0)->State.IsDetached && fixture.Find(8)->State.IsDetached);
            copies++;
        };
        using var child = new LayoutFixture();
        LayoutFixture.Done(fixture.Layout.ForkTo(child.Layout));
        Assert.Equal(2, copies);
        Assert.Equal(5, child.Tables.Read(LayoutFixture.Base + 9));
        Assert.False(fixture.Find(0)->State.IsDetached || fixture.Find(8)->State.IsDetached);
        Assert.False(first == fixture.Find(0));
    }

    [Fact]
    public void An_area_that_was_forked_merges_with_one_that_was_not()
    {
        using var fixture = new LayoutFixture();
        fixture.Map(0, 4);
        using var child = new LayoutFixture();
        LayoutFixture.Done(fixture.Layout.ForkTo(child.Layout));
        fixture.Map(4, 6);
        Assert.Equal("0-6 ReadWrite Forked", fixture.Areas);
    }
}
