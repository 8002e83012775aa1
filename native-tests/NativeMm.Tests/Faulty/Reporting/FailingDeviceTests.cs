using NativeMm.Frames;
using NativeMm.Primitives;
using NativeMm.Reporting;
using NativeMm.Tests.Unit.Reporting;
using Xunit;

namespace NativeMm.Tests.Faulty.Reporting;

public sealed class FailingDeviceTests
{
    public static TheoryData<ReporterVariant, bool> VariantsAndKinds
    {
        get
        {
            TheoryData<ReporterVariant, bool> data = [];
            foreach (ReporterVariant variant in Enum.GetValues<ReporterVariant>())
            {
                data.Add(variant, true);
                data.Add(variant, false);
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(VariantsAndKinds))]
    public void A_device_may_fail_at_any_call_and_everything_is_reported_in_the_end(ReporterVariant variant, bool throws)
    {
        // 70 blocks are three calls.
        for (int n = 1; n <= 4; n++)
        {
            using var fixture = new ReporterFixture(variant, 320);
            HashSet<Pfn> free = [.. fixture.MakeApart(70)];
            HashSet<Pfn> reported = [];
            int call = 0;
            fixture.Reporter.Register(new ScriptedDevice(ranges =>
            {
                if (++call == n)
                {
                    return throws ? throw new TimeoutException("The host is away.") : FrameContent.Unknown;
                }

                Assert.All(ranges, range => Assert.True(reported.Add(range.Frame)));
                return FrameContent.Reported;
            }));
            ulong bytes = fixture.Reporter.ReportNow();
            Assert.Equal((ulong)reported.Count * Order.Huge.Bytes, bytes);
            Assert.Equal(n <= 3 ? 1 : 0, fixture.Reporter.GetStatistics().DeviceFailures);
            Assert.Equal(n <= 3 ? (n - 1) * 32 : 70, reported.Count);
            Assert.Equal(0u, fixture.Allocator.GetStatistics().IsolatedFrames);
            fixture.Allocator.Validate();

            fixture.Reporter.ReportNow();
            Assert.True(reported.SetEquals(free));
        }
    }

    [Theory]
    [MemberData(nameof(VariantsAndKinds))]
    public void A_device_that_fails_at_every_second_call_is_asked_again_by_the_pace(ReporterVariant variant, bool throws)
    {
        using var fixture = new ReporterFixture(variant, 320);
        HashSet<Pfn> free = [.. fixture.MakeApart(70)];
        HashSet<Pfn> reported = [];
        int call = 0;
        fixture.Reporter.Register(new ScriptedDevice(ranges =>
        {
            if (++call % 2 == 1)
            {
                return throws ? throw new TimeoutException("The host is away.") : FrameContent.Unknown;
            }

            reported.UnionWith(ranges.Select(range => range.Frame));
            return FrameContent.Reported;
        }));
        for (int pass = 0; pass < 40; pass++)
        {
            fixture.Time.Advance(TimeSpan.FromMilliseconds(250));
            fixture.Reporter.Poll();
        }

        Assert.True(reported.SetEquals(free), $"{reported.Count} of {free.Count}");
        Assert.True(fixture.Reporter.GetStatistics().DeviceFailures > 0);
        Assert.Equal(ReporterState.Idle, fixture.Reporter.GetStatistics().State);
    }
}
