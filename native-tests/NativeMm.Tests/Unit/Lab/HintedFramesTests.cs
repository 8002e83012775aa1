using NativeMm.Diagnostics;
using NativeMm.Frames;
using NativeMm.Lab.Baselines.Reporting;
using NativeMm.Primitives;
using NativeMm.Reporting;
using NativeMm.Tests.Unit.Frames;
using Xunit;

namespace NativeMm.Tests.Unit.Lab;

/// <summary>Each free of a large block is one call of the device, and nothing that the device does keeps a block from being free.</summary>
public sealed class HintedFramesTests
{
    private const uint Megabytes = 8;
    private static readonly Order s_order = new(4);

    [Fact]
    public void Reports_each_freed_block_of_the_order_or_larger_and_no_smaller_one()
    {
        var device = new RecordingDevice();
        using var fixture = Fixture(device, out HintedFrames hinted);
        List<FrameRange> expected = [];
        foreach (int order in (int[])[0, 3, 4, 5, 9, 10])
        {
            Pfn frame = fixture.Allocate(order);
            hinted.Free(frame, new Order(order));
            if (order >= s_order.Value)
            {
                expected.Add(new FrameRange(frame, new Order(order), fixture.Zone.BaseAddress + frame.Offset));
            }
        }

        Pfn[] many = [fixture.Allocate(4), fixture.Allocate(4), fixture.Allocate(4)];
        hinted.FreeBulk(many, s_order);
        expected.AddRange(many.Select(frame => new FrameRange(frame, s_order, fixture.Zone.BaseAddress + frame.Offset)));

        Assert.Equal(expected, device.Ranges);
        Assert.NotEmpty(device.Calls);
        Assert.All(device.Calls, call => Assert.Single(call));
        Assert.Equal(expected.Count, hinted.Hints);
        Assert.Equal(0, hinted.Failures);
    }

    [Fact]
    public void The_block_still_belongs_to_the_caller_while_it_is_reported()
    {
        var device = new AskingDevice();
        using var fixture = Fixture(device, out HintedFrames hinted);
        device.Asked = () => hinted.GetStatistics().AllocatedFrames;
        hinted.Free(fixture.Allocate(9), Order.Huge);
        Assert.Equal(Order.Huge.Frames, device.Answer);
        Assert.Equal(0UL, hinted.GetStatistics().AllocatedFrames);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_device_that_fails_leaves_the_block_free(bool throws)
    {
        var device = new AskingDevice { Asked = () => throws ? throw new InvalidOperationException("no") : 0UL, Content = FrameContent.Unknown };
        using var fixture = Fixture(device, out HintedFrames hinted);
        hinted.Free(fixture.Allocate(4), s_order);
        Assert.Equal((0L, 1L), (hinted.Hints, hinted.Failures));
        Assert.Equal(0UL, hinted.GetStatistics().AllocatedFrames);
    }

    [Fact]
    public void Nobody_hears_of_a_block_that_is_not_allocated()
    {
        var device = new RecordingDevice();
        using var fixture = Fixture(device, out HintedFrames hinted);
        Pfn frame = fixture.Allocate(4);
        hinted.Free(frame, s_order);
        device.Clear();
        Assert.Throws<MemoryFaultException>(() => hinted.Free(frame, s_order));
        Assert.Throws<MemoryFaultException>(() => hinted.Free(new Pfn(uint.MaxValue - 1), s_order));
        Assert.Empty(device.Calls);
    }

    private static FrameFixture Fixture(IReportingDevice device, out HintedFrames hinted)
    {
        HintedFrames? made = null;
        var fixture = new FrameFixture(zone => [made = new HintedFrames(new BuddyFrameAllocator(zone), device, s_order)], Megabytes);
        hinted = made!;
        return fixture;
    }

    private sealed class AskingDevice : IReportingDevice
    {
        public Func<ulong> Asked { get; set; } = () => 0;

        public FrameContent Content { get; init; } = FrameContent.Reported;

        public ulong Answer { get; private set; }

        public FrameContent Report(ReadOnlySpan<FrameRange> ranges)
        {
            Answer = Asked();
            return Content;
        }
    }
}
