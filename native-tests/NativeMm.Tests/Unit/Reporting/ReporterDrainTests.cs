using NativeMm.Frames;
using NativeMm.Primitives;
using NativeMm.Reporting;
using Xunit;

namespace NativeMm.Tests.Unit.Reporting;

/// <summary>Passes by the pace alone bring everything back that is not likely to be needed, whatever orders they look for.</summary>
public sealed class ReporterDrainTests
{
    private const uint Megabytes = 64;

    public static TheoryData<ReporterVariant, int> VariantsAndOrders
    {
        get
        {
            TheoryData<ReporterVariant, int> data = [];
            foreach (ReporterVariant variant in Enum.GetValues<ReporterVariant>())
            {
                for (int order = 0; order <= Order.MaxValue; order++)
                {
                    data.Add(variant, order);
                }
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(VariantsAndOrders))]
    public void Every_order_goes_back_by_the_pace_alone(ReporterVariant variant, int order)
    {
        using var fixture = new ReporterFixture(
            variant, Megabytes, new PageReporterOptions { BlockOrder = order, PieceOrder = order, HighWaterBlocks = 1, Delay = TimeSpan.Zero });
        var device = new RecordingDevice();
        fixture.Reporter.Register(device);
        List<Pfn> blocks = fixture.Use(14);
        fixture.Free(blocks);

        ulong bytes = fixture.PollUntilIdle();

        HashSet<uint> told = [.. device.Ranges.SelectMany(range => Enumerable.Range((int)range.Frame.Value, (int)range.Order.Frames)).Select(f => (uint)f)];
        Assert.All(blocks, block => Assert.All(Enumerable.Range((int)block.Value, 512), frame => Assert.Contains((uint)frame, told)));
        Assert.Equal(14 * Order.Huge.Bytes, (nuint)bytes);
    }

    [Theory]
    [InlineData(ReporterVariant.LockFree)]
    [InlineData(ReporterVariant.Rotation)]
    [InlineData(ReporterVariant.Boundary)]
    public void What_is_kept_back_in_large_blocks_does_not_keep_the_smaller_ones_from_going(ReporterVariant variant)
    {
        var delay = TimeSpan.FromHours(1);
        using var fixture = new ReporterFixture(variant, Megabytes, new PageReporterOptions { HighWaterBlocks = 1, Delay = delay });
        var device = new RecordingDevice();
        fixture.Reporter.Register(device);
        List<Pfn> holes = fixture.MakeApart(24, 5);
        List<Pfn> swing = fixture.Use(1, 10);
        fixture.Reporter.Poll();
        Assert.Equal(ReporterState.Requested, fixture.Reporter.GetStatistics().State);

        // The pace keeps the 4 MiB that were in use within the delay and half of them on top: of 768 frames in holes 256 may go.
        fixture.Free(swing, 10);
        fixture.Time.Advance(delay);
        fixture.Reporter.Poll();

        Assert.Equal(256, device.Ranges.Sum(range => range.Order.Frames));
        Assert.NotEmpty(device.Ranges);
        Assert.All(device.Ranges, range => Assert.Contains(range.Frame.Value & ~31u, holes.Select(hole => hole.Value)));
    }

    [Fact]
    public void Small_budgets_take_no_pieces_of_blocks_that_will_be_told_of_as_a_whole()
    {
        using var fixture = new ReporterFixture(ReporterVariant.LockFree, 320, new PageReporterOptions { Delay = TimeSpan.Zero, BudgetDivisor = 2 });
        var device = new RecordingDevice();
        fixture.Reporter.Register(device);
        List<Pfn> free = fixture.MakeApart(67);

        fixture.PollUntilIdle();

        Assert.Equal(free.Order(), device.Ranges.Select(range => range.Frame).Order());
        Assert.NotEmpty(device.Ranges);
        Assert.All(device.Ranges, range => Assert.Equal(Order.Huge, range.Order));
    }

    [Fact]
    public void Blocks_of_which_little_is_held_go_back_by_a_budget_of_as_little()
    {
        using var fixture = new ReporterFixture(ReporterVariant.LockFree, 64, new PageReporterOptions { HighWaterBlocks = 1, Delay = TimeSpan.Zero });
        var device = new RecordingDevice();
        fixture.Reporter.Register(device);
        fixture.Free(fixture.Use(10));
        fixture.PollUntilIdle();
        device.Clear();

        // One granule in each of two blocks that are free otherwise.
        List<Pfn> granules = fixture.Use(32 + 1, 4);
        fixture.Free(granules.Skip(1).Take(31), 4);
        fixture.Reporter.ReportNow();
        device.Clear();
        fixture.Free([granules[0], granules[32]], 4);

        Assert.Equal(2u * 65536, fixture.PollUntilIdle());
        Assert.Equal(2, device.Ranges.Count);
        Assert.NotEmpty(device.Ranges);
        Assert.All(device.Ranges, range => Assert.Equal(Order.Huge, range.Order));
    }

    [Fact]
    public void A_lock_free_allocator_behind_a_cache_comes_to_rest_like_one_without()
    {
        using var fixture = new ReporterFixture(
            ReporterVariant.LockFreeCached, 64, ReporterFixture.WholeBlocks with { BlockOrder = 2, PieceOrder = 2 });
        var device = new RecordingDevice();
        fixture.Reporter.Register(device);
        fixture.MakeApart(32, 2);
        fixture.PollUntilIdle(4);
        Assert.InRange(device.Ranges.Count, 32, 64);
    }
}
