using NativeMm.Frames;
using NativeMm.Primitives;
using NativeMm.Reporting;
using Xunit;

namespace NativeMm.Tests.Unit.Reporting;

/// <summary>Free frames between used ones go back one by one, once.</summary>
public sealed class SingleFrameReportTests
{
    private static readonly PageReporterOptions s_options = new() { Delay = TimeSpan.Zero };

    public static TheoryData<ReporterVariant> Variants => ReporterFixture.Variants;

    /// <summary>Those without a cache in front, where frames rest that are as good as used.</summary>
    public static TheoryData<ReporterVariant> Plain => [.. Enum.GetValues<ReporterVariant>().Where(variant => !variant.IsCached())];

    [Theory]
    [MemberData(nameof(Plain))]
    public void Every_other_frame_of_a_zone_goes_back_by_the_pace_and_then_it_rests(ReporterVariant variant)
    {
        using var fixture = new ReporterFixture(variant, 16, s_options);
        var device = new RecordingDevice();
        fixture.Reporter.Register(device);
        List<Pfn> all = fixture.Use(4096 / 2, order: 0);
        List<Pfn> free = [.. all.Where((_, at) => at % 5 != 0)];
        fixture.Free(free, 0);
        fixture.PollUntilIdle();
        AssertToldOnce(device, free);
        Assert.Equal(0u, fixture.Reporter.ReportNow());
        fixture.Free(all.Where((_, at) => at % 5 == 0), 0);
    }

    [Theory]
    [MemberData(nameof(Plain))]
    public void All_of_them_go_back_at_once_on_request(ReporterVariant variant)
    {
        using var fixture = new ReporterFixture(variant, 16, s_options);
        var device = new RecordingDevice();
        fixture.Reporter.Register(device);
        List<Pfn> all = fixture.Use(3072, order: 0);
        List<Pfn> free = [.. all.Where((_, at) => at % 3 != 0)];
        fixture.Free(free, 0);
        Assert.Equal((ulong)free.Count << Pfn.FrameShift, fixture.Reporter.ReportNow());
        AssertToldOnce(device, free);
        Assert.Equal(0u, fixture.Reporter.ReportNow());
        FrameStatistics now = fixture.Allocator.GetStatistics();
        Assert.Equal(now.FreeFrames, now.ReportedFrames);
        fixture.Free(all.Where((_, at) => at % 3 == 0), 0);
    }

    [Theory]
    [MemberData(nameof(Plain))]
    public void A_frame_that_is_used_again_goes_back_again(ReporterVariant variant)
    {
        using var fixture = new ReporterFixture(variant, 16, s_options);
        var device = new RecordingDevice();
        fixture.Reporter.Register(device);
        List<Pfn> all = fixture.Use(64, order: 0);
        fixture.Free(all.Take(40), 0);
        fixture.Reporter.ReportNow();
        device.Clear();
        List<Pfn> again = fixture.Use(1, order: 0);
        Assert.Equal(0u, fixture.Reporter.ReportNow());
        fixture.Free(again, 0);
        Assert.NotEqual(0u, fixture.Reporter.ReportNow());
        Assert.Contains(again[0].Value, FramesOf(device));
        Assert.DoesNotContain(FramesOf(device), frame => all.Skip(40).Any(used => used.Value == frame));
        fixture.Free(all.Skip(40), 0);
    }

    [Theory]
    [MemberData(nameof(Plain))]
    public void A_device_that_failed_is_told_again(ReporterVariant variant)
    {
        using var fixture = new ReporterFixture(variant, 16, s_options);
        var failing = new FailingOnce();
        fixture.Reporter.Register(failing);
        List<Pfn> all = fixture.Use(64, order: 0);
        fixture.Free(all.Where((_, at) => at % 2 == 0), 0);
        Assert.Equal(0u, fixture.Reporter.ReportNow());
        Assert.Equal(32ul << Pfn.FrameShift, fixture.Reporter.ReportNow());
        fixture.Free(all.Where((_, at) => at % 2 != 0), 0);
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void Random_histories_leave_no_free_frame_that_was_not_told_of(ReporterVariant variant)
    {
        int seed = Environment.TickCount;
        var random = new Random(seed);
        using var fixture = new ReporterFixture(variant, 8, s_options);
        var device = new RecordingDevice();
        fixture.Reporter.Register(device);
        HashSet<uint> pending = [];
        List<(Pfn Frame, uint Frames)> live = [];
        for (int round = 0; round < 60; round++)
        {
            for (int step = 0; step < 100; step++)
            {
                uint frames = (uint)random.Next(1, random.Next(4) == 0 ? 70 : 5);
                if (random.Next(100) < 50 && fixture.Allocator.TryAllocateExact(frames, FrameFlags.None, out Pfn first, out _))
                {
                    live.Add((first, frames));
                    pending.ExceptWith(Range(first.Value, frames));
                }
                else if (live.Count != 0)
                {
                    int at = random.Next(live.Count);
                    fixture.Allocator.FreeExact(live[at].Frame, live[at].Frames);
                    pending.UnionWith(Range(live[at].Frame.Value, live[at].Frames));
                    live.RemoveAt(at);
                }
            }

            fixture.Allocator.Drain();
            device.Clear();
            fixture.Reporter.ReportNow();
            HashSet<uint> told = [.. FramesOf(device)];
            Assert.True(pending.IsSubsetOf(told), $"Seed {seed}, round {round}: {pending.Except(told).Count()} frames were freed and not told of.");
            Assert.False(told.Overlaps(live.SelectMany(run => Range(run.Frame.Value, run.Frames))), $"Seed {seed}: a frame in use was told of.");
            Assert.Equal(0u, fixture.Reporter.ReportNow());
            pending.Clear();
        }

        live.ForEach(run => fixture.Allocator.FreeExact(run.Frame, run.Frames));
        fixture.Allocator.Drain();
    }

    private static IEnumerable<uint> Range(uint first, uint count) => Enumerable.Range((int)first, (int)count).Select(frame => (uint)frame);

    private static IEnumerable<uint> FramesOf(RecordingDevice device) => device.Ranges.SelectMany(range => Range(range.Frame.Value, range.Order.Frames));

    private static void AssertToldOnce(RecordingDevice device, IEnumerable<Pfn> frames) =>
        Assert.Equal(frames.Select(frame => frame.Value).Order(), FramesOf(device).Order());

    /// <summary>Fails the first call.</summary>
    private sealed class FailingOnce : IReportingDevice
    {
        private int _calls;

        public FrameContent Report(ReadOnlySpan<FrameRange> ranges) => _calls++ == 0 ? FrameContent.Unknown : FrameContent.Reported;
    }
}
