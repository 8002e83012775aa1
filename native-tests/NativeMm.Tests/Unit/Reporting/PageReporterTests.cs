using NativeMm.Frames;
using NativeMm.Primitives;
using NativeMm.Reporting;
using Xunit;

namespace NativeMm.Tests.Unit.Reporting;

/// <summary>The edge cases of page reporting, each by its name, over every way of finding blocks.</summary>
public sealed class PageReporterTests
{
    private const ulong BlockBytes = 2 << 20;

    public static TheoryData<ReporterVariant> Variants => ReporterFixture.Variants;

    public static TheoryData<ReporterVariant, int> VariantsAndOrders
    {
        get
        {
            TheoryData<ReporterVariant, int> data = [];
            foreach (ReporterVariant variant in Enum.GetValues<ReporterVariant>())
            {
                // A cache takes single frames by the dozen, and they are free behind it when it is drained.
                for (int order = variant.IsCached() ? 1 : 0; order < Order.Count; order++)
                {
                    data.Add(variant, order);
                }
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void A_list_shorter_than_the_capacity_is_reported_in_one_call(ReporterVariant variant)
    {
        using var fixture = new ReporterFixture(variant);
        var device = new RecordingDevice();
        fixture.Reporter.Register(device);
        List<Pfn> free = fixture.MakeApart(3);

        Assert.Equal(3 * BlockBytes, fixture.Reporter.ReportNow());

        FrameRange[] call = Assert.Single(device.Calls);
        Assert.Equal(free.Order(), call.Select(range => range.Frame).Order());
        Assert.All(call, range => Assert.Equal(fixture.Zone.BaseAddress + range.Frame.Offset, range.Address));
        Assert.Equal(3 * 512u, ReportedByReporter(fixture));
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void A_long_list_is_reported_in_calls_of_the_capacity(ReporterVariant variant)
    {
        using var fixture = new ReporterFixture(variant, 192);
        var device = new RecordingDevice();
        fixture.Reporter.Register(device);
        List<Pfn> free = fixture.MakeApart(40);

        Assert.Equal(40 * BlockBytes, fixture.Reporter.ReportNow());

        Assert.Equal([32, 8], device.Calls.Select(call => call.Length));
        Assert.Equal(free.Order(), device.Ranges.Select(range => range.Frame).Order());
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void What_is_reported_already_is_not_reported_again(ReporterVariant variant)
    {
        using var fixture = new ReporterFixture(variant);
        var device = new RecordingDevice();
        fixture.Reporter.Register(device);
        fixture.MakeApart(5);
        fixture.Reporter.ReportNow();
        device.Clear();

        Assert.Equal(0u, fixture.Reporter.ReportNow());
        Assert.Empty(device.Calls);
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void A_block_that_was_used_again_is_reported_again(ReporterVariant variant)
    {
        using var fixture = new ReporterFixture(variant);
        var device = new RecordingDevice();
        fixture.Reporter.Register(device);
        fixture.MakeApart(5);
        fixture.Reporter.ReportNow();
        Pfn used = Assert.Single(fixture.Use(1));
        fixture.Free([used]);
        device.Clear();

        fixture.Reporter.ReportNow();
        Assert.Contains(device.Ranges, range => range.Frame.Value <= used.Value && used.Value < range.Frame.Value + range.Order.Frames);
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void Every_other_block_reported_leaves_exactly_the_others(ReporterVariant variant)
    {
        using var fixture = new ReporterFixture(variant);
        var device = new RecordingDevice();
        fixture.Reporter.Register(device);
        List<Pfn> all = fixture.Use(40);
        List<Pfn> first = [.. all.Where(frame => (frame.Value >> 9) % 4 == 0)];
        List<Pfn> second = [.. all.Where(frame => (frame.Value >> 9) % 4 == 2)];
        fixture.Free(first);
        fixture.Reporter.ReportNow();
        device.Clear();
        fixture.Free(second);

        fixture.Reporter.ReportNow();
        Assert.Equal(second.Order(), device.Ranges.Select(range => range.Frame).Order());
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void A_block_under_report_cannot_be_allocated(ReporterVariant variant)
    {
        using var fixture = new ReporterFixture(variant, 32);
        List<Pfn> rest = [];
        fixture.MakeApart(3);
        fixture.Reporter.Register(new ScriptedDevice(ranges =>
        {
            Assert.Equal(3 * 512u, fixture.Allocator.GetStatistics().IsolatedFrames);
            while (fixture.Allocator.TryAllocate(Order.Huge, FrameFlags.None, out Pfn frame, out _))
            {
                Assert.DoesNotContain(ranges, range => range.Frame == frame);
                rest.Add(frame);
            }

            return FrameContent.ReportedZero;
        }));

        Assert.Equal(3 * BlockBytes, fixture.Reporter.ReportNow());
        Assert.NotEmpty(rest);
        Assert.Equal(0u, fixture.Allocator.GetStatistics().IsolatedFrames);
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void A_block_freed_beside_an_isolated_one_merges_when_that_comes_back(ReporterVariant variant)
    {
        using var fixture = new ReporterFixture(variant, 32);
        List<Pfn> pair = [.. fixture.Use(2).Order()];
        Assert.Equal(pair[0].Value ^ 512u, pair[1].Value);
        fixture.Free([pair[0]]);
        bool merged = true;
        fixture.Reporter.Register(new ScriptedDevice(_ =>
        {
            if (fixture.Allocator.GetStatistics().AllocatedFrames != 0)
            {
                ulong large = fixture.Allocator.GetStatistics().FreeBlocks[10];
                fixture.Free([pair[1]]);
                merged = fixture.Allocator.GetStatistics().FreeBlocks[10] != large;
            }

            return FrameContent.Reported;
        }));

        fixture.Reporter.ReportNow();

        Assert.False(merged, "It merged with an isolated block.");
        Assert.Equal(8u, fixture.Allocator.GetStatistics().FreeBlocks[10]);
        fixture.Reporter.ReportNow();
        Assert.Equal(fixture.Allocator.GetStatistics().FreeFrames, fixture.Allocator.GetStatistics().ReportedFrames);
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void A_list_that_is_emptied_during_a_pass_ends_it(ReporterVariant variant)
    {
        using var fixture = new ReporterFixture(variant, 192);
        List<Pfn> taken = [];
        fixture.MakeApart(40);
        int calls = 0;
        fixture.Reporter.Register(new ScriptedDevice(_ =>
        {
            calls++;
            taken.AddRange(fixture.Use(8));
            return FrameContent.Reported;
        }));

        Assert.Equal(32 * BlockBytes, fixture.Reporter.ReportNow());
        Assert.Equal(1, calls);
        Assert.Equal(8, taken.Count);
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void A_device_that_throws_leaves_the_blocks_free_and_unreported(ReporterVariant variant)
    {
        using var fixture = new ReporterFixture(variant);
        fixture.MakeApart(4);
        ulong reported = fixture.Allocator.GetStatistics().ReportedFrames;
        var bad = new ScriptedDevice(_ => throw new InvalidOperationException("no host"));
        fixture.Reporter.Register(bad);

        Assert.Equal(0u, fixture.Reporter.ReportNow());

        ReporterStatistics statistics = fixture.Reporter.GetStatistics();
        Assert.Equal(1, statistics.DeviceFailures);
        Assert.Contains("no host", statistics.LastFailure, StringComparison.Ordinal);
        Assert.Equal(reported, fixture.Allocator.GetStatistics().ReportedFrames);
        Assert.Equal(0u, fixture.Allocator.GetStatistics().IsolatedFrames);
        fixture.Reporter.Unregister(bad);
        fixture.Reporter.Register(new NullDevice());
        Assert.Equal(4 * BlockBytes, fixture.Reporter.ReportNow());
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void Memory_pressure_stops_a_pass_at_once(ReporterVariant variant)
    {
        using var fixture = new ReporterFixture(variant, 192);
        fixture.MakeApart(40);
        int calls = 0;
        fixture.Reporter.Register(new ScriptedDevice(unused =>
        {
            // The isolated blocks are not free, so after this hardly any are.
            while (fixture.Allocator.TryAllocate(Order.Huge, FrameFlags.NoReclaim, out Pfn _, out _))
            {
            }

            calls++;
            return FrameContent.Reported;
        }));
        fixture.Reporter.ReportNow();
        Assert.Equal(1, calls);

        while (fixture.Allocator.TryAllocate(Order.Huge, FrameFlags.NoReclaim, out Pfn _, out _))
        {
        }

        long stops = fixture.Reporter.GetStatistics().PressureStops;
        Assert.Equal(0u, fixture.Reporter.ReportNow());
        Assert.Equal(1, calls);
        Assert.Equal(stops + 1, fixture.Reporter.GetStatistics().PressureStops);
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void A_second_device_is_refused_while_there_is_one(ReporterVariant variant)
    {
        using var fixture = new ReporterFixture(variant, 32);
        var first = new NullDevice();
        fixture.Reporter.Register(first);
        var busy = Assert.Throws<InvalidOperationException>(() => fixture.Reporter.Register(new RecordingDevice()));
        Assert.Contains("busy: it has a NullDevice", busy.Message, StringComparison.Ordinal);
        Assert.Throws<InvalidOperationException>(() => fixture.Reporter.Register(first));
        Assert.Throws<InvalidOperationException>(() => fixture.Reporter.Unregister(new NullDevice()));
        fixture.Reporter.Unregister(first);
        fixture.Reporter.Register(new RecordingDevice());
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void A_device_that_unregisters_itself_is_not_called_again(ReporterVariant variant)
    {
        using var fixture = new ReporterFixture(variant, 192);
        fixture.MakeApart(40);
        int calls = 0;
        ScriptedDevice? device = null;
        device = new ScriptedDevice(_ =>
        {
            calls++;
            Assert.Equal(0u, fixture.Reporter.ReportNow());
            fixture.Reporter.Unregister(device!);
            return FrameContent.Reported;
        });
        fixture.Reporter.Register(device);
        Assert.Equal(32 * BlockBytes, fixture.Reporter.ReportNow());
        Assert.Equal(0u, fixture.Reporter.ReportNow());
        Assert.Equal(1, calls);
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void Without_a_device_nothing_happens(ReporterVariant variant)
    {
        using var fixture = new ReporterFixture(variant, 32);
        fixture.MakeApart(4);
        Assert.Equal(0u, fixture.Reporter.ReportNow());
        Assert.Equal(0u, fixture.Reporter.Poll());
        Assert.Equal(0, fixture.Reporter.GetStatistics().Passes);
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void The_high_water_mark_is_reached_by_exactly_as_many_blocks(ReporterVariant variant)
    {
        using var fixture = new ReporterFixture(variant, options: ReporterFixture.WholeBlocks with { HighWaterBlocks = 8, BudgetDivisor = 1 });
        fixture.Reporter.Register(new NullDevice());
        List<Pfn> blocks = fixture.Use(16);
        fixture.Free(blocks.Take(7));
        Assert.Equal(0u, fixture.Reporter.Poll());
        Assert.Equal(ReporterState.Idle, fixture.Reporter.GetStatistics().State);

        fixture.Free(blocks.Skip(7).Take(1));
        fixture.Time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Equal(8 * BlockBytes, fixture.Reporter.Poll());
    }

    [Theory]
    [MemberData(nameof(VariantsAndOrders))]
    public void Any_smallest_order_is_reported_once(ReporterVariant variant, int order)
    {
        int count = order < Order.Huge.Value ? 40 : 8;
        uint megabytes = order < 7 ? 32u : 128u;
        using var fixture = new ReporterFixture(variant, megabytes, ReporterFixture.WholeBlocks with { BlockOrder = order, PieceOrder = order });
        var device = new RecordingDevice();
        fixture.Reporter.Register(device);

        // With those between them they fill whole granules of 64 KiB, so nothing else becomes free with them.
        List<Pfn> free = fixture.MakeApart(count, order);
        Assert.Equal((ulong)count * new Order(order).Bytes, fixture.Reporter.ReportNow());

        Assert.Equal(free.Order(), device.Ranges.Select(range => range.Frame).Order());
        Assert.NotEmpty(device.Ranges);
        Assert.All(device.Ranges, range => Assert.Equal(order, range.Order.Value));
        Assert.Equal(count == 8 ? [8] : [32, 8], device.Calls.Select(call => call.Length));

        Assert.Equal(0u, fixture.Reporter.ReportNow());
        Assert.Equal(count, device.Ranges.Count);
        Assert.Equal(0u, fixture.Allocator.GetStatistics().IsolatedFrames);
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void Small_holes_follow_the_blocks(ReporterVariant variant)
    {
        using var fixture = new ReporterFixture(variant, options: new PageReporterOptions());
        var device = new RecordingDevice();
        fixture.Reporter.Register(device);
        List<Pfn> holes = fixture.MakeApart(10, 4);
        List<Pfn> blocks = fixture.MakeApart(3);
        fixture.Reporter.ReportNow();
        HashSet<Pfn> frames = [.. device.Ranges.Select(range => range.Frame)];
        Assert.Superset(new HashSet<Pfn>([.. holes, .. blocks]), frames);
        int lastBlock = device.Ranges.Select((range, at) => range.Order.Value >= 9 ? at : 0).Max();
        int firstHole = device.Ranges.Select((range, at) => range.Order.Value < 9 ? at : int.MaxValue).Min();
        Assert.True(lastBlock < firstHole, "Blocks come first.");
    }

    private static ulong ReportedByReporter(ReporterFixture fixture) => fixture.Reporter.GetStatistics().ReportedBytes / Pfn.FrameBytes;
}
