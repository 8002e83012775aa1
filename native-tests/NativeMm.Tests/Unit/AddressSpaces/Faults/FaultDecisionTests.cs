using NativeMm.AddressSpaces;
using Xunit;

namespace NativeMm.Tests.Unit.AddressSpaces.Faults;

/// <summary>What an entry means for an access: every combination of flags of a present page, and every other kind.</summary>
public sealed class FaultDecisionTests
{
    private const nuint Address = 0x1234_5000;

    [Fact]
    public void After_its_work_on_flags_the_access_hits()
    {
        foreach (PageAccess access in Enum.GetValues<PageAccess>())
        {
            for (ulong flags = 0; flags < 128; flags++)
            {
                if ((flags & (LeafEntry.NotPresent | LeafEntry.Zero)) == 0)
                {
                    foreach (bool isOwn in (bool[])[false, true])
                    {
                        AssertFrame(LeafEntry.Present(Address, flags), access, isOwn);
                    }
                }
            }
        }
    }

    [Theory]
    [InlineData(PageAccess.Read, FaultWork.MapZero)]
    [InlineData(PageAccess.Write, FaultWork.NewZero)]
    internal void Empty_page(PageAccess access, FaultWork work) => Assert.Equal(work, FaultDecision.Of(LeafEntry.Empty, access, true));

    [Theory]
    [InlineData(PageAccess.Read)]
    [InlineData(PageAccess.Write)]
    internal void Page_that_collapses_or_is_loaded_is_waited_for(PageAccess access)
    {
        Assert.Equal(FaultWork.Wait, FaultDecision.Of(LeafEntry.Collapsing, access, true));
        Assert.Equal(FaultWork.Wait, FaultDecision.Of(LeafEntry.Swapped(7, 0).With(LeafEntry.Moving), access, true));
    }

    [Theory]
    [InlineData(PageAccess.Read)]
    [InlineData(PageAccess.Write)]
    internal void Page_without_a_frame_comes_back(PageAccess access)
    {
        Assert.Equal(FaultWork.Load, FaultDecision.Of(LeafEntry.Swapped(7, 3), access, true));
        Assert.Equal(FaultWork.NewFilled, FaultDecision.Of(LeafEntry.SameFilled(7, 3), access, true));
    }

    [Fact]
    public void Zero_page_is_read_in_place_and_replaced_to_write()
    {
        var zero = LeafEntry.Present(Address, LeafEntry.Zero | LeafEntry.NotDirty | LeafEntry.NotWritable);
        Assert.Equal(FaultWork.None, FaultDecision.Of(zero, PageAccess.Read, true));
        Assert.Equal(FaultWork.Flags, FaultDecision.Of(zero.With(LeafEntry.NotAccessed), PageAccess.Read, true));
        Assert.Equal(FaultWork.NewZero, FaultDecision.Of(zero, PageAccess.Write, true));
    }

    private static void AssertFrame(LeafEntry entry, PageAccess access, bool isOwn)
    {
        FaultWork work = FaultDecision.Of(entry, access, isOwn);
        ulong mask = access == PageAccess.Write ? LeafEntry.WriteMiss : LeafEntry.ReadMiss;
        switch (work)
        {
            case FaultWork.None:
                Assert.False(entry.Misses(mask));
                break;
            case FaultWork.Flags:
                Assert.True(entry.Misses(mask));
                Assert.False(entry.Without(FaultDecision.Lost(access)).Misses(mask));
                Assert.False(access == PageAccess.Write && (entry.Word & LeafEntry.Leaving) != 0, "Nobody writes to a page that the reclaimer reads.");
                Assert.False(access == PageAccess.Write && entry.Misses(LeafEntry.NotWritable) && !isOwn, "Nobody writes to a shared frame.");
                Assert.False(entry.IsMoving && (entry.Word & LeafEntry.Leaving) == 0, "Only the reclaimer can be told to stop.");
                break;
            case FaultWork.Copy:
                Assert.True(access == PageAccess.Write && !isOwn && entry.Misses(LeafEntry.NotWritable) && !entry.IsMoving);
                break;
            default:
                Assert.Equal(FaultWork.Wait, work);
                Assert.True(entry.IsMoving || (entry.Word & LeafEntry.Leaving) != 0);
                break;
        }
    }
}
