using NativeMm.Primitives;
using NativeMm.Tests.Unit.Primitives;
using Xunit;

namespace NativeMm.Tests.Unit;

public sealed unsafe class MagazineTests
{
    [Fact]
    public void Items_come_back_newest_first()
    {
        using var box = new MagazineBox(slots: 4, capacity: 4);
        for (nuint item = 1; item <= 4; item++)
        {
            Assert.True(box.Magazine.TryPush(item));
        }

        Assert.False(box.Magazine.TryPush(5));
        Assert.Equal(4, box.Magazine.Count);
        Assert.Equal([1, 2, 3, 4], box.Items());
        for (nuint item = 4; item >= 1; item--)
        {
            Assert.True(box.Magazine.TryPop(out nuint popped));
            Assert.Equal(item, popped);
        }

        Assert.False(box.Magazine.TryPop(out nuint none));
        Assert.Equal(0u, none);
        box.Magazine.PopRefused();
        Assert.Equal(0, box.Magazine.Count);
    }

    [Fact]
    public void A_place_without_slots_refuses_everything_and_stays_as_it_is()
    {
        byte[] words = new byte[Magazine.RackBytes];
        fixed (byte* rack = words)
        {
            Magazine magazine = Magazine.At(rack, 7);
            Assert.False(magazine.HasSlots);
            Assert.False(magazine.TryPop(out _));
            Assert.Equal(0, magazine.Count);
            magazine.PopRefused();
            Assert.False(magazine.TryPush(1));
            Assert.Equal(0, magazine.Capacity);
            Assert.False(magazine.Contains(0));
        }

        Assert.All(words, value => Assert.Equal(0, value));
    }

    [Fact]
    public void Neighbours_in_a_rack_do_not_touch_each_other()
    {
        using var box = new MagazineBox(slots: 8, capacity: 8, index: 64);
        using var other = new MagazineBox(slots: 8, capacity: 8);
        Magazine neighbour = Magazine.At(box.Rack, 65);
        byte* slots = stackalloc byte[(int)Magazine.SlotBytes(8)];
        neighbour.Attach(slots, 8);
        for (nuint item = 1; item <= 8; item++)
        {
            Assert.True(box.Magazine.TryPush(item));
            Assert.True(neighbour.TryPush(item * 100));
        }

        Assert.Equal([1, 2, 3, 4, 5, 6, 7, 8], box.Items());
        var items = new List<nuint>();
        neighbour.CopyTo(items);
        Assert.Equal([100, 200, 300, 400, 500, 600, 700, 800], items);
        Assert.Equal(0, other.Magazine.Count);
    }

    [Fact]
    public void Capacity_can_grow_up_to_the_slots()
    {
        using var box = new MagazineBox(slots: 4, capacity: 0);
        Assert.True(box.Magazine.HasSlots);
        Assert.False(box.Magazine.TryPush(1));
        box.Magazine.SetCapacity(1);
        Assert.True(box.Magazine.TryPush(1));
        Assert.False(box.Magazine.TryPush(2));
        box.Magazine.SetCapacity(4);
        Assert.True(box.Magazine.TryPush(2));
        Assert.Equal(4, box.Magazine.Capacity);
        Assert.Equal([1, 2], box.Items());
    }

    [Fact]
    public void A_theft_takes_everything_oldest_first_and_leaves_a_usable_magazine()
    {
        using var box = new MagazineBox(slots: 4, capacity: 4);
        box.Magazine.TryPush(1);
        box.Magazine.TryPush(2);
        box.Magazine.TryPush(3);
        Assert.Equal([1, 2, 3], box.Steal());
        Assert.Equal(0, box.Magazine.Count);
        Assert.False(box.Magazine.Contains(2));

        // Three slots lie below the floor: one push fits, and after moving down four do.
        Assert.True(box.Magazine.TryPush(4));
        Assert.False(box.Magazine.TryPush(5));
        Assert.Equal([4], box.Magazine.Normalize().ToArray());
        Assert.True(box.Magazine.TryPush(5));
        Assert.True(box.Magazine.TryPush(6));
        Assert.True(box.Magazine.TryPush(7));
        Assert.Equal([4, 5, 6, 7], box.Items());
        Assert.True(box.Magazine.Contains(6));
    }

    [Fact]
    public void A_theft_from_an_empty_magazine_takes_nothing_and_changes_nothing()
    {
        using var box = new MagazineBox(slots: 2, capacity: 2);
        Assert.Empty(box.Steal());
        nuint position = box.Magazine.Position;
        Assert.True(box.Magazine.TryPush(1));
        Assert.NotEqual(position, box.Magazine.Position);
        Assert.True(box.Magazine.TryPush(2));
        Assert.True(box.Pop(out nuint item));
        Assert.Equal(2u, item);
    }

    [Fact]
    public void Slots_filled_from_outside_become_items_when_they_are_declared()
    {
        using var box = new MagazineBox(slots: 4, capacity: 2);
        Span<nuint> slots = box.Magazine.Slots(3);
        (slots[0], slots[1], slots[2]) = (7, 8, 9);
        box.Magazine.SetItems(3);
        Assert.Equal([7, 8, 9], box.Items());
        Assert.False(box.Magazine.TryPush(10));
        Assert.True(box.Pop(out nuint item));
        Assert.Equal(9u, item);
        box.Magazine.Detach();
        Assert.False(box.Magazine.HasSlots);
        Assert.Equal(0, box.Magazine.Count);
    }
}
