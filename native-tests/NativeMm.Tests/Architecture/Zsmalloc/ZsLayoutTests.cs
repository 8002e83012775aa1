using System.Runtime.CompilerServices;
using NativeMm.Primitives;
using NativeMm.Zsmalloc;
using Xunit;

namespace NativeMm.Tests.Architecture.Zsmalloc;

/// <summary>Sizes that the density of a pool counts on.</summary>
public sealed class ZsLayoutTests
{
    [Fact]
    public void Cells_and_handles_are_a_word_and_classes_two()
    {
        Assert.Equal(8, Unsafe.SizeOf<ZsCell>());
        Assert.Equal(8, Unsafe.SizeOf<ZsHandle>());
        Assert.Equal(ZsClassTable.HeadBytes, Unsafe.SizeOf<ZsHead>());
        Assert.Equal(16, Unsafe.SizeOf<ZsClass>());
    }

    [Fact]
    public void A_descriptor_with_eight_frames_is_one_line()
    {
        Assert.Equal(Zspage.Bytes, Unsafe.SizeOf<Zspage>());
        Assert.Equal(CacheLine.Bytes, Zspage.Bytes + (8 * sizeof(uint)));
    }

    [Fact]
    public void A_shard_is_two_pairs_of_lines_at_most() =>
        Assert.InRange(Unsafe.SizeOf<ZsShard<NoLockStatistics>>(), 1, 2 * CacheLine.Isolation);

    [Theory]
    [InlineData(1u, 0u, 0u)]
    [InlineData(ZsCell.ZspageCount - 1, 255u, 255u)]
    [InlineData(12345u, 118u, 77u)]
    public void A_cell_gives_back_what_was_put_in(uint zspage, uint @class, uint @object)
    {
        ZsCell live = default(ZsCell).Link(ZsCell.CellCount - 1).Use(zspage, @class, @object);
        Assert.True(live.IsLive);
        Assert.Equal((zspage, @class, @object, 1u), (live.Zspage, live.Class, live.Object, live.Generation));
        ZsCell moved = live.Move(zspage ^ 2, @object ^ 1);
        Assert.Equal((zspage ^ 2, @class, @object ^ 1, 1u), (moved.Zspage, moved.Class, moved.Object, moved.Generation));
        ZsCell free = moved.Free(ZsCell.CellCount - 1);
        Assert.False(free.IsLive);
        Assert.Equal((ZsCell.CellCount - 1, 2u), (free.Next, free.Generation));
    }

    [Theory]
    [InlineData(ZsCell.CellCount - 1, 4096)]
    [InlineData(1u, 1)]
    public void A_head_gives_back_what_was_put_in(uint cell, int bytes)
    {
        var used = ZsHead.Used(cell, bytes);
        Assert.True(used.IsUsed);
        Assert.Equal((cell, bytes), (used.Cell, used.ObjectBytes));
        Assert.False(ZsHead.Free(Zspage.NoSlot).IsUsed);
        Assert.Equal(Zspage.NoSlot, ZsHead.Free(Zspage.NoSlot).Next);
    }
}
