using NativeMm.AddressSpaces;
using Xunit;

namespace NativeMm.Tests.Unit.AddressSpaces.Tables;

/// <summary>The word of a page: what each state means for an access, and that states do not overlap.</summary>
public sealed class LeafEntryTests
{
    private static readonly nuint s_address = unchecked((nuint)0x7f12_3456_7000UL);

    [Fact]
    public void A_page_that_may_be_written_is_the_address_of_its_frame()
    {
        var entry = LeafEntry.Present(s_address, 0);
        Assert.Equal((ulong)s_address, entry.Word);
        Assert.False(entry.Misses(LeafEntry.ReadMiss));
        Assert.False(entry.Misses(LeafEntry.WriteMiss));
        Assert.Equal(EntryKind.Frame, entry.Kind);
    }

    [Theory]
    [InlineData(LeafEntry.NotAccessed, true, true)]
    [InlineData(LeafEntry.Moving, true, true)]
    [InlineData(LeafEntry.NotDirty, false, true)]
    [InlineData(LeafEntry.NotWritable, false, true)]
    [InlineData(LeafEntry.Leaving, false, false)]
    [InlineData(LeafEntry.Zero, false, false)]
    internal void Each_flag_stops_what_it_says(ulong flag, bool stopsReads, bool stopsWrites)
    {
        LeafEntry entry = LeafEntry.Present(s_address, 0).With(flag);
        Assert.Equal(stopsReads, entry.Misses(LeafEntry.ReadMiss));
        Assert.Equal(stopsWrites, entry.Misses(LeafEntry.WriteMiss));
        Assert.Equal(s_address, entry.Address);
        Assert.Equal((ulong)s_address, entry.Without(flag).Word);
    }

    [Theory]
    [InlineData(0u, 0u)]
    [InlineData(0xffffffffu, LeafEntry.HistoryMax)]
    [InlineData(0x12345678u, 0x5a5u)]
    internal void A_value_and_its_history_come_back(uint value, uint history)
    {
        var entry = LeafEntry.SameFilled(value, history);
        Assert.Equal((EntryKind.SameFilled, value, history), (entry.Kind, entry.Value, entry.History));
        AssertAbsent(entry);
    }

    [Theory]
    [InlineData(1ul, 0u)]
    [InlineData(SwapSlot.Max, LeafEntry.HistoryMax)]
    [InlineData(LeafEntry.SlotMax, 1u)]
    internal void A_slot_and_its_history_come_back_also_while_it_is_loaded(ulong slot, uint history)
    {
        var entry = LeafEntry.Swapped(slot, history);
        Assert.Equal((EntryKind.Swapped, slot, history), (entry.Kind, entry.Slot, entry.History));
        AssertAbsent(entry);
        LeafEntry loading = entry.With(LeafEntry.Moving);
        Assert.True(loading.IsMoving);
        Assert.Equal((EntryKind.Swapped, slot, history), (loading.Kind, loading.Slot, loading.History));
        Assert.Equal(entry, loading.Without(LeafEntry.Moving));
    }

    [Fact]
    public void Empty_and_collapsing_are_no_pages()
    {
        AssertAbsent(LeafEntry.Empty);
        AssertAbsent(LeafEntry.Collapsing);
        Assert.True(LeafEntry.Empty.IsEmpty);
        Assert.False(LeafEntry.Empty.IsMoving);
        Assert.True(LeafEntry.Collapsing.IsMoving);
        Assert.Equal(EntryKind.Empty, LeafEntry.Collapsing.Kind);
    }

    private static void AssertAbsent(LeafEntry entry)
    {
        Assert.False(entry.IsPresent);
        Assert.True(entry.Misses(LeafEntry.ReadMiss));
        Assert.True(entry.Misses(LeafEntry.WriteMiss));
    }
}
