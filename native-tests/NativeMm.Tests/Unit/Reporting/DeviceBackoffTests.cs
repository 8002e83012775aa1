using NativeMm.Frames;
using NativeMm.Reporting;
using Xunit;

namespace NativeMm.Tests.Unit.Reporting;

public sealed class DeviceBackoffTests
{
    [Fact]
    public void The_pause_doubles_up_to_a_minute_and_ends_with_a_success()
    {
        var backoff = new DeviceBackoff(TimeSpan.FromMilliseconds(250));
        TimeSpan now = TimeSpan.Zero;
        Assert.True(backoff.IsOver(now));
        foreach (int seconds in (int[])[1, 2, 4, 8, 16, 32, 64, 120, 120])
        {
            TimeSpan pause = TimeSpan.FromSeconds(seconds / 2.0);
            backoff.NoteFailure(now);
            Assert.False(backoff.IsOver(now + pause - TimeSpan.FromTicks(1)), $"{pause}");
            now += pause;
            Assert.True(backoff.IsOver(now), $"{pause}");
        }

        backoff.NoteFailure(now);
        backoff.Reset();
        Assert.True(backoff.IsOver(now));
        backoff.NoteFailure(now);
        Assert.True(backoff.IsOver(now + TimeSpan.FromMilliseconds(500)));
    }

    [Fact]
    public void An_interval_longer_than_a_minute_stays()
    {
        var backoff = new DeviceBackoff(TimeSpan.FromMinutes(10));
        backoff.NoteFailure(TimeSpan.Zero);
        Assert.False(backoff.IsOver(TimeSpan.FromMinutes(9)));
        Assert.True(backoff.IsOver(TimeSpan.FromMinutes(10)));
    }

    [Theory]
    [MemberData(nameof(ReporterFixture.Variants), MemberType = typeof(ReporterFixture))]
    public void A_device_that_always_fails_is_called_ever_more_rarely_and_a_new_one_at_once(ReporterVariant variant)
    {
        using var fixture = new ReporterFixture(variant);
        fixture.MakeApart(8);
        int calls = 0;
        var bad = new ScriptedDevice(_ =>
        {
            calls++;
            return FrameContent.Unknown;
        });
        fixture.Reporter.Register(bad);
        PollFor(fixture, TimeSpan.FromMinutes(4));
        Assert.InRange(calls, 8, 12);

        // Whoever asks for it need not wait.
        int before = calls;
        fixture.Reporter.ReportNow();
        Assert.Equal(before + 1, calls);

        fixture.Reporter.Unregister(bad);
        var good = new RecordingDevice();
        fixture.Reporter.Register(good);

        // The walk that was interrupted comes to its end first.
        PollFor(fixture, TimeSpan.FromSeconds(1));
        Assert.NotEmpty(good.Calls);
    }

    private static void PollFor(ReporterFixture fixture, TimeSpan duration)
    {
        for (TimeSpan at = TimeSpan.Zero; at < duration; at += fixture.Reporter.Options.PassInterval)
        {
            fixture.Time.Advance(fixture.Reporter.Options.PassInterval);
            fixture.Reporter.Poll();
        }
    }
}
