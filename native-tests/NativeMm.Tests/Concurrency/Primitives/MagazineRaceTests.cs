using NativeMm.Primitives;
using NativeMm.Tests.Unit.Primitives;
using Xunit;

namespace NativeMm.Tests.Concurrency;

/// <summary>An owner inside a pop and a thief, in every order of their steps: each item ends in exactly one place.</summary>
public sealed class MagazineRaceTests
{
    // Where a step of the thief falls: before the pop, at one of its two pauses, behind it.
    private static readonly string[] s_places = ["before", MagazinePauses.BeforeFloor, MagazinePauses.BeforeItem, "behind"];

    public static TheoryData<int, int, int> Orders
    {
        get
        {
            var orders = new TheoryData<int, int, int>();
            for (int items = 0; items <= 3; items++)
            {
                for (int begin = 0; begin < 4; begin++)
                {
                    for (int end = begin; end < 4; end++)
                    {
                        orders.Add(items, begin, end);
                    }
                }
            }

            return orders;
        }
    }

    [Theory]
    [MemberData(nameof(Orders))]
    public void Each_item_ends_in_one_place_whatever_the_order_of_the_steps(int items, int begin, int end)
    {
        using var box = new MagazineBox(slots: 4, capacity: 4);
        Fill(box, items);
        MagazineTheft theft = default;
        bool begun = false;
        bool ended = false;
        List<nuint> stolen = [];

        void At(string place)
        {
            int at = Array.IndexOf(s_places, place);
            if (!begun && at >= begin)
            {
                theft = box.Magazine.StealBegin();
                begun = true;
            }

            if (begun && !ended && at >= end)
            {
                Atomic.ProcessWideFence();
                stolen.AddRange(box.Magazine.StealEnd(theft));
                ended = true;
            }
        }

        At("before");
        bool popped = Pop(box, At, out nuint item);
        At("behind");
        if (!popped)
        {
            box.Magazine.PopRefused();
        }

        AssertEachOnce(items, [.. stolen, .. box.Magazine.Normalize(), .. popped ? [item] : Array.Empty<nuint>()]);
        if (begin == 3)
        {
            Assert.Equal(items > 0, popped);
            Assert.Equal(Math.Max(0, items - 1), stolen.Count);
        }
    }

    [Theory]
    [InlineData(MagazinePauses.BeforeFloor)]
    [InlineData(MagazinePauses.BeforeItem)]
    public void An_owner_held_inside_a_pop_keeps_his_item_and_a_thief_takes_the_others(string place)
    {
        using var box = new MagazineBox(slots: 4, capacity: 4);
        Fill(box, 3);
        nuint[] stolen = [];
        int held = 0;

        void Hold(string at)
        {
            if (at != place)
            {
                return;
            }

            held++;
            var thief = new Thread(() => stolen = box.Steal()) { IsBackground = true };
            thief.Start();
            Assert.True(thief.Join(TimeSpan.FromSeconds(30)), "The thief waits for an owner who is inside a pop.");
        }

        Assert.True(Pop(box, Hold, out nuint item));
        Assert.Equal(1, held);
        Assert.Equal(3u, item);
        Assert.Equal([1, 2], stolen);
        Assert.Empty(box.Items());
    }

    private static bool Pop(MagazineBox box, Action<string> at, out nuint item)
    {
        MagazinePauses.OnReach(at);
        try
        {
            return box.Magazine.TryPop<MagazinePauses>(out item);
        }
        finally
        {
            MagazinePauses.OnReach(null);
        }
    }

    private static void Fill(MagazineBox box, int items)
    {
        for (nuint item = 1; item <= (nuint)items; item++)
        {
            Assert.True(box.Magazine.TryPush(item));
        }
    }

    private static void AssertEachOnce(int items, IEnumerable<nuint> found) =>
        Assert.Equal(Enumerable.Range(1, items).Select(item => (nuint)item), found.Order());
}
