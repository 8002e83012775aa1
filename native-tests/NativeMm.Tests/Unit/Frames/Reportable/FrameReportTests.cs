using NativeMm.Frames;
using NativeMm.Primitives;
using Xunit;

namespace NativeMm.Tests.Unit.Frames;

/// <summary>Indices against numbers computed by hand from Linux's formulas, and the listings.</summary>
public sealed class FrameReportTests
{
    [Fact]
    public void A_request_that_would_succeed_has_index_minus_one()
    {
        Assert.Equal(-1, Statistics((3, 1)).FragmentationIndex(new Order(3)));
        Assert.Equal(-1, Statistics((4, 1)).FragmentationIndex(new Order(3)));
    }

    [Fact]
    public void Without_free_memory_the_index_is_zero_and_all_of_it_is_unusable()
    {
        FrameStatistics none = Statistics();
        Assert.Equal(0, none.FragmentationIndex(new Order(5)));
        Assert.Equal(1, none.UnusableIndex(new Order(5)));
    }

    [Fact]
    public void Much_memory_in_small_pieces_is_fragmentation()
    {
        // 1024 frames in 1024 blocks, 512 asked for: 1 − (1 + 2) / 1024.
        Assert.Equal(1 - (3.0 / 1024), Statistics((0, 1024)).FragmentationIndex(Order.Huge), 12);

        // 100 · 1 + 50 · 4 = 300 frames in 150 blocks, 8 asked for: 1 − (1 + 37.5) / 150.
        Assert.Equal(1 - (38.5 / 150), Statistics((0, 100), (2, 50)).FragmentationIndex(new Order(3)), 12);
    }

    [Fact]
    public void One_small_piece_is_lack_of_memory()
    {
        // 1 frame in 1 block, 512 asked for: 1 − (1 + 1/512) / 1.
        Assert.Equal(-1.0 / 512, Statistics((0, 1)).FragmentationIndex(Order.Huge), 12);
    }

    [Fact]
    public void The_unusable_share_counts_frames_in_blocks_that_are_too_small()
    {
        // 10 · 1 + 5 · 2 + 1 · 16 = 36 frames, 20 of them in blocks below order 3.
        FrameStatistics some = Statistics((0, 10), (1, 5), (4, 1));
        Assert.Equal(20.0 / 36, some.UnusableIndex(new Order(3)), 12);
        Assert.Equal(0, some.UnusableIndex(Order.Zero));
        Assert.Equal(1, some.UnusableIndex(new Order(5)));
    }

    [Theory]
    [InlineData(1024, 64, 80, 96)] // 4 MiB: sqrt(4096 · 16) = 256 KiB.
    [InlineData(262144, 1024, 1286, 1548)] // 1 GiB: sqrt(2²⁰ · 16) = 4096 KiB, a thousandth is 262.
    [InlineData(64, 32, 40, 48)] // Never below 128 KiB.
    [InlineData(1UL << 31, 65536, 2213019, 4360502)] // 8 TiB: never above 256 MiB, a thousandth is 2147483.
    public void Watermarks_are_those_of_linux(ulong frames, ulong min, ulong low, ulong high) =>
        Assert.Equal(new Watermarks(min, low, high), Watermarks.For(frames));

    [Fact]
    public void Buddyinfo_has_a_column_for_each_order()
    {
        string line = FrameReport.BuddyInfo(ZoneKind.Normal, Statistics((0, 7), (10, 3)));
        Assert.Equal(["Zone", "Normal", "7", "0", "0", "0", "0", "0", "0", "0", "0", "0", "3"], Words(line));
    }

    [Fact]
    public void The_description_of_a_zone_tells_where_every_frame_is()
    {
        using var fixture = new FrameFixture(FrameVariant.LockFree, 4);
        Pfn frame = fixture.Allocate(9);

        string[] lines = FrameReport.Describe(fixture.Allocator).Split(Environment.NewLine);

        Assert.Contains(lines, line => Words(line) is ["managed", "1024"]);
        Assert.Contains(lines, line => Words(line) is ["free", "512"]);
        Assert.Contains(lines, line => Words(line) is ["allocated", "512"]);
        Assert.Contains(lines, line => Words(line) is ["reported", "512"]);
        Assert.Contains(lines, line => Words(line) is ["min", "64"]);
        Assert.Contains(lines, line => Words(line) is ["Zone", "Normal", "0", .., "1", "0"]);
        Assert.Contains(lines, line => Words(line) is ["Zone", "Normal", "-1.000", .., "-1.000", "-0.500"]);
        Assert.Contains(lines, line => Words(line) is ["Zone", "Normal", "0.000", .., "0.000", "1.000"]);
        fixture.Allocator.Free(frame, Order.Huge);
    }

    private static string[] Words(string line) => line.Split(' ', StringSplitOptions.RemoveEmptyEntries);

    private static FrameStatistics Statistics(params (int Order, ulong Blocks)[] free)
    {
        var blocks = new ulong[Order.Count];
        foreach ((int order, ulong count) in free)
        {
            blocks[order] = count;
        }

        ulong frames = blocks.Select((count, order) => count << order).Aggregate(0UL, (sum, count) => sum + count);
        return new FrameStatistics
        {
            ManagedFrames = 1 << 20,
            FreeFrames = frames,
            PerCoreFrames = 0,
            AllocatedFrames = (1 << 20) - frames,
            IsolatedFrames = 0,
            ReportedFrames = 0,
            FreeBlocks = blocks,
        };
    }
}
