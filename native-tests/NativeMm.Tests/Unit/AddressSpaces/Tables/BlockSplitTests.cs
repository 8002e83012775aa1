using NativeMm.AddressSpaces;
using NativeMm.Primitives;
using NativeMm.Tests.Unit.Frames;
using Xunit;

namespace NativeMm.Tests.Unit.AddressSpaces.Tables;

/// <summary>How the frames of a block of 2 MiB go back: one by one, all at once, and what others do between the steps of the one who splits it.</summary>
public sealed unsafe class BlockSplitTests
{
    private const int Frames = BlockFixture.Frames;

    public static TheoryData<FrameVariant> Variants => FrameVariants.All;

    public static TheoryData<string, int, int> Windows
    {
        get
        {
            TheoryData<string, int, int> data = [];
            foreach (string place in new[] { PageTables.PauseGone, PageTables.PauseSplit, PageTables.PauseLoose })
            {
                // The first frame has the block's word: it goes first, in between, or last.
                data.Add(place, 0, 7);
                data.Add(place, 7, 0);
                data.Add(place, 7, 300);
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void Each_frame_goes_back_when_it_goes(FrameVariant variant)
    {
        using var fixture = new BlockFixture(variant: variant);
        fixture.Begin();
        Assert.Equal((ulong)Frames, fixture.Out);
        for (int i = 0, f = 5; i < Frames; i++, f = (f + 167) % Frames)
        {
            fixture.Drop(f);
            Assert.Equal((ulong)(Frames - 1 - i), fixture.Out);
        }
    }

    [Fact]
    public void Without_an_allocator_that_splits_the_block_goes_with_its_last_frame()
    {
        using var fixture = new BlockFixture(splits: false);
        fixture.Begin();
        for (int f = 0; f < Frames; f++)
        {
            Assert.Equal((ulong)Frames, fixture.Out);
            fixture.Drop(f);
        }

        Assert.Equal(0u, fixture.Out);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_block_of_which_all_goes_at_once_is_not_split(bool splits)
    {
        using var fixture = new BlockFixture(splits);
        fixture.Begin();
        Pfn block = fixture.Block;
        fixture.Tables.DropUnused(Addresses(fixture, 0, Frames));
        Assert.Equal(0u, fixture.Out);

        // Free as it is: what was split has all of its frames' heads as single ones.
        Assert.True(fixture.Tables.FrameOf((nuint)fixture.Allocator.Zone.AddressOf(block)).IsInBlock);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void What_goes_in_parts_goes_back_in_parts(bool splits)
    {
        using var fixture = new BlockFixture(splits);
        fixture.Begin();
        fixture.Tables.DropUnused(Addresses(fixture, 100, 50));
        Assert.Equal(splits ? Frames - 50u : Frames, fixture.Out);
        fixture.Tables.DropUnused([.. Addresses(fixture, 150, 362), .. Addresses(fixture, 0, 99)]);
        Assert.Equal(splits ? 1u : Frames, fixture.Out);
        fixture.Drop(99);
        Assert.Equal(0u, fixture.Out);
    }

    [Fact]
    public void A_frame_that_somebody_else_refers_to_stays_and_all_others_go()
    {
        using var fixture = new BlockFixture();
        fixture.Begin();
        fixture.Tables.FrameOf(fixture.Address(0)).AddPin();
        fixture.Tables.FrameOf(fixture.Address(8)).AddMapping();
        *(ulong*)fixture.Address(0) = 77;
        fixture.Tables.DropUnused(Addresses(fixture, 0, Frames));
        Assert.Equal((2ul, 77ul), (fixture.Out, *(ulong*)fixture.Address(0)));
        fixture.Tables.DropPin(fixture.Address(0));
        Assert.Equal(1u, fixture.Out);
        fixture.Drop(8);
        Assert.Equal(0u, fixture.Out);
    }

    [Theory]
    [MemberData(nameof(Windows))]
    public void Frames_that_go_while_the_block_is_split_go_back_as_well(string place, int first, int second)
    {
        using var fixture = new BlockFixture();
        fixture.Begin();
        FaultIntruder.At(place, () => fixture.Drop(second));
        fixture.Tables.DropMapping<FaultIntruder>(fixture.Address(first));
        Assert.Empty(FaultIntruder.Leave());
        Assert.Equal(Frames - 2u, fixture.Out);
        fixture.Tables.DropUnused([.. Enumerable.Range(0, Frames).Where(f => f != first && f != second).Select(f => (ulong)fixture.Address(f))]);
        Assert.Equal(0u, fixture.Out);
    }

    [Theory]
    [InlineData(PageTables.PauseGone)]
    [InlineData(PageTables.PauseSplit)]
    [InlineData(PageTables.PauseLoose)]
    public void Somebody_who_stops_on_his_way_to_the_block_keeps_the_first_frame_alone(string place)
    {
        using var fixture = new BlockFixture();
        fixture.Begin();
        ulong before = 0;
        ulong after = 0;

        // The one who stops is not the splitter: his frame is gone, and he has not said so.
        FaultIntruder.At(PageTables.PauseGone, () =>
        {
            if (place != PageTables.PauseGone)
            {
                FaultIntruder.At(place, () => before = fixture.Out);
            }

            fixture.Tables.DropMapping<FaultIntruder>(fixture.Address(0));
            for (int f = 1; f < Frames; f++)
            {
                if (f != 9)
                {
                    fixture.Drop(f);
                }
            }

            after = fixture.Out;
            Assert.True(fixture.Tables.FrameOf(fixture.Address(0)).IsHeldByBlock);
        });
        fixture.Tables.DropMapping<FaultIntruder>(fixture.Address(9));
        Assert.Empty(FaultIntruder.Leave());
        Assert.Equal(1u, after);
        Assert.Equal(place switch { PageTables.PauseGone => 0u, PageTables.PauseSplit => Frames, _ => Frames - 1u }, before);
        Assert.Equal(0u, fixture.Out);
    }

    [Fact]
    public void Who_comes_late_to_the_block_does_not_touch_what_is_somebody_elses_by_then()
    {
        using var fixture = new BlockFixture();
        fixture.Begin();
        FaultIntruder.At(PageTables.PauseGone, () =>
        {
            fixture.Drop(0);
            Assert.False(fixture.Allocator.TryAllocateAt(fixture.Block, 1, out _), "The first frame is free, and somebody is on his way to it.");
            Assert.True(fixture.Allocator.TryAllocateAt(new Pfn(fixture.Block.Value + 30), 1, out _), "The splitter did not free what had gone.");
            fixture.Tables.FrameOf(fixture.Address(30)).Begin(isInBlock: false);
            fixture.Tables.FrameOf(fixture.Address(30)).Slot = 99;
        });
        fixture.Tables.DropMapping<FaultIntruder>(fixture.Address(30));
        Assert.Empty(FaultIntruder.Leave());
        Assert.True(fixture.Tables.FrameOf(fixture.Address(30)) is { IsOwn: true, Slot: 99 });
        Assert.True(fixture.Allocator.TryAllocateAt(fixture.Block, 1, out _), "The first frame is not free, and nobody needs it any more.");
        fixture.Allocator.Free(fixture.Block, Order.Zero);
        fixture.Tables.FrameOf(fixture.Address(30)).Slot = 0;
        fixture.Tables.DropUnused([.. Enumerable.Range(1, Frames - 1).Select(f => (ulong)fixture.Address(f))]);
        Assert.Equal(0u, fixture.Out);
    }

    private static ulong[] Addresses(BlockFixture fixture, int first, int count) =>
        [.. Enumerable.Range(first, count).Select(f => (ulong)fixture.Address(f))];
}
