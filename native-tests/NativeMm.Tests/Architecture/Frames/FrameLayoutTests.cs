using System.Runtime.InteropServices;
using NativeMm.Frames;
using NativeMm.Primitives;
using Xunit;

namespace NativeMm.Tests.Architecture.Frames;

/// <summary>Sizes and places that the algorithms count on.</summary>
public sealed unsafe class FrameLayoutTests
{
    [Fact]
    public void A_descriptor_fills_one_line() => Assert.Equal(CacheLine.Bytes, sizeof(PageFrame));

    [Fact]
    public void The_descriptors_parts_do_not_overlap()
    {
        Assert.Equal(16, Offset<PageFrame>(nameof(PageFrame.NextFree)));
        Assert.Equal(20, Offset<PageFrame>(nameof(PageFrame.PreviousFree)));
        Assert.Equal(24, Offset<PageFrame>(nameof(PageFrame.Block)));
    }

    [Fact]
    public void A_tree_has_its_children_on_one_line_and_a_pair_of_lines_for_itself()
    {
        Assert.Equal(CacheLine.Isolation, sizeof(FrameTree));
        Assert.Equal(0, Offset<FrameTree>(nameof(FrameTree.Children)));
        Assert.Equal(CacheLine.Bytes, FrameTree.ChildCount * sizeof(ulong));
        Assert.Equal(CacheLine.Bytes, Offset<FrameTree>(nameof(FrameTree.Word)));
        Assert.Equal(1u << FrameTree.FrameShift, FrameTree.ChildCount * ChildWord.Frames);
    }

    [Fact]
    public void Every_core_has_a_pair_of_lines_for_itself()
    {
        Assert.Equal(CacheLine.Isolation, sizeof(CoreReservations));
        Assert.Equal(2 * CacheLine.Isolation, sizeof(PerCorePages));
        Assert.Equal(CacheLine.Isolation, sizeof(FrameStack));
    }

    [Fact]
    public void The_shared_words_are_apart()
    {
        Assert.Equal(5 * CacheLine.Isolation, sizeof(LockFreeState));
        Assert.Equal(CacheLine.Isolation, Offset<LockFreeState>(nameof(LockFreeState.IsolatedFrames)));
    }

    [Fact]
    public void Lists_fit_the_room_that_is_kept_for_them()
    {
        Assert.Equal(12, sizeof(FrameList));
        Assert.True(64 + (PerCorePages.Lists * sizeof(FrameList)) <= sizeof(PerCorePages));
        Assert.True((Order.Count * BuddyLists.Kinds * sizeof(FrameList)) + (3 * sizeof(ulong)) <= sizeof(BuddyLists));
        Assert.True(CacheLine.Isolation + (int)Magazine.SlotBytes(FrameStack.Capacity) <= FrameStack.Bytes);
        Assert.True(sizeof(Magazine) <= CacheLine.Bytes);
    }

    private static int Offset<T>(string field) => (int)Marshal.OffsetOf<T>(field);
}
