using NativeMm.Diagnostics;
using NativeMm.Frames;
using NativeMm.Primitives;
using NativeMm.Reporting;
using NativeMm.Tests.Support;
using Xunit;

namespace NativeMm.Tests.Unit.Reporting;

/// <summary>What a device may do inside its call, and what must not harm anybody when it does it all the same.</summary>
public sealed class DeviceReentryTests
{
    private const ulong BlockBytes = 2 << 20;

    public static TheoryData<ReporterVariant> Variants => ReporterFixture.Variants;

    [Theory]
    [MemberData(nameof(Variants))]
    public void A_device_may_dispose_the_reporter_and_that_call_is_the_last(ReporterVariant variant)
    {
        using var fixture = new ReporterFixture(variant, 192);
        fixture.MakeApart(40);
        int calls = 0;
        fixture.Reporter.Register(new ScriptedDevice(_ =>
        {
            calls++;
            fixture.Reporter.Dispose();
            fixture.Reporter.Dispose();
            Assert.Throws<ObjectDisposedException>(() => fixture.Reporter.ReportNow());
            Assert.Throws<ObjectDisposedException>(() => fixture.Reporter.Register(new NullDevice()));

            // The pass still needs the frames.
            Assert.Throws<InvalidOperationException>(() => new PageReporter(fixture.Allocator));
            return FrameContent.Reported;
        }));

        Assert.Equal(32 * BlockBytes, fixture.Reporter.ReportNow());

        Assert.Equal(1, calls);
        Assert.Equal(0, fixture.Reporter.GetStatistics().DeviceFailures);
        Assert.Equal(0, fixture.Reporter.GetStatistics().PressureStops);
        Assert.Equal(0u, fixture.Allocator.GetStatistics().IsolatedFrames);
        Assert.Throws<ObjectDisposedException>(() => fixture.Reporter.ReportNow());
        using var next = new PageReporter(fixture.Allocator);
        next.Register(new NullDevice());
        Assert.Equal(8 * BlockBytes, next.ReportNow() & ~(BlockBytes - 1));
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void A_device_may_replace_itself_and_the_new_one_begins_with_the_next_pass(ReporterVariant variant)
    {
        using var fixture = new ReporterFixture(variant, 192);
        fixture.MakeApart(40);
        var second = new RecordingDevice();
        ScriptedDevice? first = null;
        first = new ScriptedDevice(_ =>
        {
            Assert.Throws<InvalidOperationException>(() => fixture.Reporter.Register(second));
            fixture.Reporter.Unregister(first!);
            fixture.Reporter.Register(second);
            return FrameContent.Reported;
        });
        fixture.Reporter.Register(first);

        Assert.Equal(32 * BlockBytes, fixture.Reporter.ReportNow());
        Assert.Same(second, fixture.Reporter.Device);
        Assert.Empty(second.Calls);
        Assert.Equal(8 * BlockBytes, fixture.Reporter.ReportNow());
        Assert.Equal(0, fixture.Reporter.GetStatistics().DeviceFailures);
        Assert.Equal(0, fixture.Reporter.GetStatistics().PressureStops);
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void A_device_that_comes_back_within_its_call_ends_the_pass_which_is_no_pressure(ReporterVariant variant)
    {
        using var fixture = new ReporterFixture(variant, 192);
        fixture.MakeApart(40);
        int calls = 0;
        ScriptedDevice? device = null;
        device = new ScriptedDevice(_ =>
        {
            calls++;
            fixture.Reporter.Unregister(device!);
            fixture.Reporter.Register(device!);
            return FrameContent.Reported;
        });
        fixture.Reporter.Register(device);
        Assert.Equal(32 * BlockBytes, fixture.Reporter.ReportNow());
        Assert.Equal(1, calls);
        Assert.Equal(0, fixture.Reporter.GetStatistics().PressureStops);
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void A_device_that_reports_or_allocates_does_not_wait_for_itself(ReporterVariant variant)
    {
        using var fixture = new ReporterFixture(variant, 32);
        List<Pfn> all = fixture.Use(16);
        fixture.Free(all.Take(6));
        int calls = 0;
        List<Pfn> taken = [];
        fixture.Reporter.Register(new ScriptedDevice(unused =>
        {
            calls++;
            Assert.Equal(0u, fixture.Reporter.ReportNow());
            while (fixture.Allocator.TryAllocate(Order.Huge, FrameFlags.None, out Pfn frame, out _))
            {
                taken.Add(frame);
            }

            return FrameContent.Reported;
        }));
        Within(() => fixture.Reporter.ReportNow());
        Assert.Equal(1, calls);
        Assert.Equal(0, fixture.Reporter.GetStatistics().DeviceFailures);
        Assert.Equal(0u, fixture.Allocator.GetStatistics().IsolatedFrames);
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void An_exception_whose_message_throws_loses_no_block(ReporterVariant variant)
    {
        using var fixture = new ReporterFixture(variant, 64);
        fixture.MakeApart(4);
        fixture.Reporter.Register(new ScriptedDevice(_ => throw new SilentException()));

        Assert.Equal(0u, fixture.Reporter.ReportNow());

        Assert.Equal(1, fixture.Reporter.GetStatistics().DeviceFailures);
        Assert.Contains("SilentException, whose message throws", fixture.Reporter.GetStatistics().LastFailure, StringComparison.Ordinal);
        AssertNothingIsHeld(fixture);
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void A_device_that_puts_a_block_back_itself_is_found_out_and_no_other_block_is_lost(ReporterVariant variant)
    {
        using var fixture = new ReporterFixture(variant, 64);
        fixture.MakeApart(4);
        fixture.Reporter.Register(new ScriptedDevice(ranges =>
        {
            fixture.Allocator.PutBack([ranges[^1].Frame], ranges[^1].Order, FrameContent.Reported);
            return FrameContent.Reported;
        }));

        Assert.Throws<MemoryFaultException>(() => fixture.Reporter.ReportNow());

        Assert.Equal(1, fixture.Reporter.GetStatistics().DeviceFailures);
        Assert.StartsWith("ScriptedDevice: MemoryFaultException", fixture.Reporter.GetStatistics().LastFailure, StringComparison.Ordinal);
        AssertNothingIsHeld(fixture);
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void A_pass_by_the_pace_that_breaks_off_is_a_failure_and_no_exception(ReporterVariant variant)
    {
        using var fixture = new ReporterFixture(variant, 64);
        fixture.MakeApart(4);
        fixture.Reporter.Register(new ScriptedDevice(ranges =>
        {
            fixture.Allocator.PutBack([ranges[^1].Frame], ranges[^1].Order, FrameContent.Reported);
            return FrameContent.Reported;
        }));
        fixture.Time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(0u, fixture.Reporter.Poll());
        fixture.Time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(0u, fixture.Reporter.Poll());
        Assert.True(fixture.Reporter.GetStatistics().DeviceFailures > 0);
        AssertNothingIsHeld(fixture);
    }

    // Neither are blocks isolated nor does an allocation that fails wait for a pass that is over.
    private static void AssertNothingIsHeld(ReporterFixture fixture)
    {
        Assert.Equal(0u, fixture.Allocator.GetStatistics().IsolatedFrames);
        Within(() =>
        {
            while (fixture.Allocator.TryAllocate(Order.Zero, FrameFlags.None, out _, out _))
            {
            }
        });
        Assert.Equal(0u, fixture.Allocator.GetStatistics().FreeFrames);
    }

    private static void Within(Action body) => StartGate.Run(1, _ => body());

    private sealed class SilentException : Exception
    {
        public override string Message => throw new InvalidOperationException("Nothing to say.");
    }
}
