using NativeMm.AddressSpaces;
using NativeMm.Tests.Support;
using Xunit;

namespace NativeMm.Tests.Unit.AddressSpaces.Access;

/// <summary>Hazards: which pages a word means, and that a look finds those of its space alone.</summary>
public sealed unsafe class HazardsTests
{
    [Theory]
    [InlineData(0ul, false, 0ul, 1ul)]
    [InlineData(1000ul, false, 1000ul, 1001ul)]
    [InlineData(1000ul, true, 512ul, 1024ul)]
    [InlineData((1ul << 35) - 1, false, (1ul << 35) - 1, 1ul << 35)]
    [InlineData((1ul << 35) - 1, true, (1ul << 35) - 512, 1ul << 35)]
    internal void A_word_means_a_page_or_its_leaf(ulong page, bool whole, ulong first, ulong end)
    {
        var hazard = new Hazard((5UL << Hazard.SpaceShift) | page | (whole ? Hazard.WholeLeaf : 0));
        Assert.Equal((5UL << Hazard.SpaceShift, first, end), (hazard.Key, hazard.First, hazard.End));
        Assert.True(hazard.Touches(page, page + 1));
        Assert.False(hazard.Touches(end, end + 1));
        Assert.False(first != 0 && hazard.Touches(first - 1, first));
    }

    [Fact]
    public void A_look_finds_every_word_of_its_space_and_of_no_other()
    {
        ulong key = AccessSlots.NextSpaceKey();
        ulong other = AccessSlots.NextSpaceKey();
        AccessSlot* slot = AccessSlots.Own();
        Span<ulong> words = stackalloc ulong[Hazards.Capacity];
        for (int i = 0; i < AccessSlot.Words; i++)
        {
            AccessSlot.Word(slot, i) = key | 77;
            Hazards seen = Hazards.Look(key, words);
            Assert.True(seen.Touches(77));
            Assert.False(seen.Touches(78));
            Assert.False(seen.IsEmpty);
            Assert.True(Hazards.Look(other, words).IsEmpty);
            AccessSlot.Word(slot, i) = 0;
            Assert.True(Hazards.Look(key, words).IsEmpty);
        }
    }

    [Fact]
    public void Each_thread_has_a_slot_of_its_own_and_leaves_it_to_another()
    {
        nint[] slots = new nint[4];
        using var all = new Barrier(slots.Length);
        StartGate.Run(slots.Length, i =>
        {
            slots[i] = (nint)AccessSlots.Own();
            Assert.True(all.SignalAndWait(TimeSpan.FromSeconds(30)));
        });
        Assert.Equal(slots.Length, slots.Distinct().Count());

        // Threads that ended leave their slots: many short threads do not need many.
        int before = AccessSlots.Count;
        for (int i = 0; i < 40; i++)
        {
            StartGate.Run(1, _ => AccessSlots.Own());
        }

        Assert.InRange(AccessSlots.Count, before, before + 30);
    }
}
