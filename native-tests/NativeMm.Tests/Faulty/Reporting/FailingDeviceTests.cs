using NativeMm.Frames;
using NativeMm.Primitives;
using NativeMm.Reporting;
using NativeMm.Tests.Unit.Reporting;
using Xunit;

namespace NativeMm.Tests.Faulty.Reporting;

/// <summary>A device fails at the n-th call, for each n of a long pass: nothing is lost, nothing is reported twice, and the counts are right.</summary>
public sealed class FailingDeviceTests
{
    public static TheoryData<ReporterVariant, HoleSizes, DeviceFailure> Cases
    {
        get
        {
            TheoryData<ReporterVariant, HoleSizes, DeviceFailure> data = [];
            foreach (ReporterVariant variant in Enum.GetValues<ReporterVariant>())
            {
                foreach (HoleSizes sizes in Enum.GetValues<HoleSizes>())
                {
                    foreach (DeviceFailure failure in Enum.GetValues<DeviceFailure>())
                    {
                        data.Add(variant, sizes, failure);
                    }
                }
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_device_may_fail_at_any_call_and_everything_is_reported_once_in_the_end(
        ReporterVariant variant, HoleSizes sizes, DeviceFailure failure)
    {
        int calls = FailAt(variant, sizes, failure, failingCall: 0);
        Assert.True(calls >= (sizes == HoleSizes.Blocks ? 2 : 5), $"{calls} calls are no long pass.");
        for (int n = 1; n <= calls; n++)
        {
            FailAt(variant, sizes, failure, n);
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_device_that_fails_at_every_second_call_is_asked_again_by_the_pace(
        ReporterVariant variant, HoleSizes sizes, DeviceFailure failure)
    {
        using ReporterFixture fixture = Make(variant, sizes);
        HashSet<uint> free = MakeHoles(fixture, sizes);
        HashSet<uint> reported = [];
        int call = 0;
        fixture.Reporter.Register(new ScriptedDevice(ranges =>
        {
            if (++call % 2 == 1)
            {
                return Fail(failure);
            }

            AddOnce(reported, ranges);
            return FrameContent.Reported;
        }));
        for (int pass = 0; pass < 100 && !(reported.Count == free.Count && IsIdle(fixture)); pass++)
        {
            fixture.Time.Advance(TimeSpan.FromMilliseconds(250));
            fixture.Reporter.Poll();
            Assert.Equal(0u, fixture.Allocator.GetStatistics().IsolatedFrames);
        }

        Assert.True(reported.SetEquals(free), $"{reported.Count} of {free.Count} frames");
        Assert.Equal((call + 1) / 2, fixture.Reporter.GetStatistics().DeviceFailures);
        Assert.True(IsIdle(fixture));
    }

    /// <summary>One pass with a failure, and one without. Gives the number of calls of the first.</summary>
    private static int FailAt(ReporterVariant variant, HoleSizes sizes, DeviceFailure failure, int failingCall)
    {
        using ReporterFixture fixture = Make(variant, sizes);
        HashSet<uint> free = MakeHoles(fixture, sizes);
        HashSet<uint> reported = [];
        List<uint> refused = [];
        int calls = 0;
        fixture.Reporter.Register(new ScriptedDevice(ranges =>
        {
            Assert.InRange(ranges.Length, 1, PageReporter.Capacity);
            if (++calls == failingCall)
            {
                refused.AddRange(FramesOf(ranges));
                return Fail(failure);
            }

            AddOnce(reported, ranges);
            return FrameContent.Reported;
        }));

        ulong bytes = fixture.Reporter.ReportNow();
        int firstPass = calls;
        bool fails = failingCall != 0;
        Assert.Equal(failingCall, fails ? calls : 0);
        Assert.Equal(fails, refused.Count != 0);
        Assert.True(free.IsSupersetOf(refused) && !reported.Overlaps(refused));
        Assert.Equal((ulong)reported.Count * Pfn.FrameBytes, bytes);
        AssertAccounts(fixture, free.Count - reported.Count, fails ? 1 : 0);

        bytes += fixture.Reporter.ReportNow();
        Assert.True(reported.SetEquals(free), $"{reported.Count} of {free.Count} frames");
        Assert.Equal((ulong)free.Count * Pfn.FrameBytes, bytes);
        AssertAccounts(fixture, 0, fails ? 1 : 0);
        Assert.Equal(0u, fixture.Reporter.ReportNow());
        return firstPass;
    }

    private static void AssertAccounts(ReporterFixture fixture, int unreported, int failures)
    {
        FrameStatistics frames = fixture.Allocator.GetStatistics();
        Assert.Equal(0u, frames.IsolatedFrames);
        Assert.Equal((ulong)unreported, frames.FreeFrames - frames.ReportedFrames);
        Assert.Equal(frames.ManagedFrames, frames.FreeFrames + frames.AllocatedFrames);
        fixture.Allocator.Validate();
        ReporterStatistics statistics = fixture.Reporter.GetStatistics();
        Assert.Equal(failures, statistics.DeviceFailures);
        Assert.Equal(failures == 0, statistics.LastFailure is null);
    }

    private static ReporterFixture Make(ReporterVariant variant, HoleSizes sizes) => sizes == HoleSizes.Blocks
        ? new ReporterFixture(variant, 160)
        : new ReporterFixture(variant, 64, new PageReporterOptions { Delay = TimeSpan.Zero, HighWaterBlocks = 1 });

    /// <summary>Frees blocks that cannot merge. Gives their frames.</summary>
    private static HashSet<uint> MakeHoles(ReporterFixture fixture, HoleSizes sizes)
    {
        (int Order, int Count)[] holes = sizes switch
        {
            HoleSizes.Blocks => [(9, 36)],
            HoleSizes.Pieces => [(4, 150)],
            _ => [(9, 3), (7, 6), (6, 20), (5, 36), (4, 70)],
        };
        List<(Pfn Frame, int Order)> all = [];
        foreach ((int order, int count) in holes)
        {
            all.AddRange(fixture.Use(2 * count, order).Select(frame => (frame, order)));
        }

        // The buddy of each stays in use.
        HashSet<uint> free = [];
        foreach ((Pfn frame, int order) in all.Where(block => (block.Frame.Value >> block.Order) % 2 == 0))
        {
            fixture.Free([frame], order);
            free.UnionWith(FramesOf([new FrameRange(frame, new Order(order), 0)]));
        }

        Assert.Equal(holes.Sum(hole => hole.Count << hole.Order), free.Count);
        return free;
    }

    private static IEnumerable<uint> FramesOf(IEnumerable<FrameRange> ranges) =>
        ranges.SelectMany(range => Enumerable.Range((int)range.Frame.Value, (int)range.Order.Frames)).Select(frame => (uint)frame);

    private static void AddOnce(HashSet<uint> reported, FrameRange[] ranges)
    {
        foreach (uint frame in FramesOf(ranges))
        {
            Assert.True(reported.Add(frame), $"Frame {frame} is reported a second time.");
        }
    }

    private static bool IsIdle(ReporterFixture fixture) => fixture.Reporter.GetStatistics().State == ReporterState.Idle;

    private static FrameContent Fail(DeviceFailure failure) => failure switch
    {
        DeviceFailure.Throws => throw new TimeoutException("The host is away."),
        DeviceFailure.Unknown => FrameContent.Unknown,
        _ => (FrameContent)77,
    };
}
