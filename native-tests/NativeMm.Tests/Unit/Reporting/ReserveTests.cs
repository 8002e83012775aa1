using NativeMm.Frames;
using NativeMm.Primitives;
using NativeMm.Reporting;
using Xunit;

namespace NativeMm.Tests.Unit.Reporting;

/// <summary>The last free frames of a zone stay free while a device has blocks, and all the same everything is reported in the end.</summary>
public sealed class ReserveTests
{
    public static TheoryData<ReporterVariant> Variants => ReporterFixture.Variants;

    public static TheoryData<ReporterVariant, uint, int> VariantsZonesAndOrders
    {
        get
        {
            TheoryData<ReporterVariant, uint, int> data = [];
            foreach (ReporterVariant variant in Enum.GetValues<ReporterVariant>())
            {
                foreach (uint megabytes in (uint[])[4, 8, 16, 64])
                {
                    data.Add(variant, megabytes, 9);
                    data.Add(variant, megabytes, 4);
                }
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(VariantsZonesAndOrders))]
    public void A_pass_by_the_pace_leaves_the_reserve_however_full_the_zone_is(ReporterVariant variant, uint megabytes, int order)
    {
        for (int free = 1; free <= (megabytes << 8) >> order; free = Math.Max(free + 1, free * 3 / 2))
        {
            using ReporterFixture fixture = Make(variant, megabytes);
            ulong least = ulong.MaxValue;
            fixture.Reporter.Register(new ScriptedDevice(_ =>
            {
                least = Math.Min(least, fixture.Allocator.GetStatistics().FreeFrames);
                return FrameContent.ReportedZero;
            }));
            List<Pfn> all = fixture.Use((int)(megabytes << 8) >> order, order);
            fixture.Free(all.Take(free), order);
            for (int pass = 0; pass < 50; pass++)
            {
                fixture.Time.Advance(TimeSpan.FromSeconds(1));
                fixture.Reporter.Poll();
            }

            Assert.True(least >= fixture.Reporter.ReserveFrames, $"{free} blocks free: {least} frames stayed, not {fixture.Reporter.ReserveFrames}.");
        }
    }

    [Theory]
    [MemberData(nameof(VariantsZonesAndOrders))]
    public void Whoever_asks_gets_everything_reported_and_at_most_one_block_of_the_reserve_is_missing(ReporterVariant variant, uint megabytes, int order)
    {
        for (int free = 1; free <= (megabytes << 8) >> order; free = Math.Max(free + 1, free * 3 / 2))
        {
            using ReporterFixture fixture = Make(variant, megabytes);
            fixture.Reporter.Register(new ScriptedDevice(ranges =>
            {
                ulong stays = fixture.Allocator.GetStatistics().FreeFrames;
                Assert.True(ranges.Length == 1 || stays >= fixture.Reporter.ReserveFrames, $"{ranges.Length} blocks, {stays} frames stay.");
                return FrameContent.ReportedZero;
            }));
            List<Pfn> all = fixture.Use((int)(megabytes << 8) >> order, order);
            fixture.Free(all.Take(free), order);

            ulong freeFrames = fixture.Allocator.GetStatistics().FreeFrames;
            fixture.Reporter.ReportNow();

            FrameStatistics after = fixture.Allocator.GetStatistics();
            Assert.Equal(freeFrames <= fixture.Reporter.ReserveFrames ? 0 : freeFrames, after.ReportedFrames);
            Assert.Equal(0, fixture.Reporter.GetStatistics().DeviceFailures);
            Assert.Equal(freeFrames <= fixture.Reporter.ReserveFrames ? 1 : 0, fixture.Reporter.GetStatistics().PressureStops);
        }
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void A_pass_whose_next_block_does_not_fit_above_the_reserve_counts_as_stopped_by_pressure(ReporterVariant variant)
    {
        using var fixture = new ReporterFixture(variant, 64);
        fixture.Reporter.Register(new NullDevice());
        List<Pfn> all = fixture.Use(32);
        fixture.Free(all.Take(1));
        fixture.Time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(0u, fixture.Reporter.Poll());
        Assert.Equal(1, fixture.Reporter.GetStatistics().PressureStops);
        Assert.Equal(Order.Huge.Bytes, fixture.Reporter.ReportNow());
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void Blocks_of_which_little_was_used_count_with_their_size(ReporterVariant variant)
    {
        using ReporterFixture fixture = Make(variant, 16);
        ulong least = ulong.MaxValue;
        fixture.Reporter.Register(new ScriptedDevice(_ =>
        {
            least = Math.Min(least, fixture.Allocator.GetStatistics().FreeFrames);
            return FrameContent.ReportedZero;
        }));

        // Of each 2 MiB all but the first 64 KiB were reported before.
        List<Pfn> all = fixture.Use(256, 4);
        fixture.Free(all.Where(frame => frame.Value % 512 != 0), 4);
        fixture.Reporter.ReportNow();
        fixture.Free(all.Where(frame => frame.Value % 512 == 0), 4);
        least = ulong.MaxValue;
        for (int pass = 0; pass < 50; pass++)
        {
            fixture.Time.Advance(TimeSpan.FromSeconds(1));
            fixture.Reporter.Poll();
        }

        Assert.InRange(least, fixture.Reporter.ReserveFrames, fixture.Zone.FrameCount);
        Assert.Equal(fixture.Zone.FrameCount, fixture.Allocator.GetStatistics().ReportedFrames);
    }

    [Fact]
    public void The_reserve_is_the_low_watermark_but_not_more_than_a_sixteenth()
    {
        using var large = new ReporterFixture(ReporterVariant.LockFree, 64);
        Assert.Equal(Watermarks.For(16384).Low, large.Reporter.ReserveFrames);
        using var small = new ReporterFixture(ReporterVariant.LockFree, 2);
        Assert.Equal(512u / 16, small.Reporter.ReserveFrames);
    }

    // No pause and no memory of what was used: each pass may take all that the reserve leaves.
    private static ReporterFixture Make(ReporterVariant variant, uint megabytes) =>
        new(variant, megabytes, new PageReporterOptions { HighWaterBlocks = 1, Delay = TimeSpan.Zero, BudgetDivisor = 1 });
}
