using NativeMm.Heap;
using Xunit;

namespace NativeMm.Tests.Unit.Heap;

public sealed class RetainWindowTests
{
    private const ulong GiB = 1UL << 30;

    [Theory]
    [InlineData(0, 0, 0, 0)]
    [InlineData(0, 0, 100, 100)]
    [InlineData(0, 0, 1024, 256)]
    [InlineData(700, 700, 1024, 256)]
    [InlineData(700, 100, 1024, 600)]
    [InlineData(700, 0, 512, 512)]
    [InlineData(300, 100, 1024, 256)]
    public void More_than_a_plain_amount_is_kept_only_up_to_the_peak(int peakMib, int liveMib, int maxMib, int boundMib)
    {
        var window = default(RetainWindow);
        window.NoteLive((ulong)peakMib << 20);
        Assert.Equal((ulong)boundMib << 20, window.BoundOf((ulong)liveMib << 20, (ulong)maxMib << 20));
    }

    [Fact]
    public void A_peak_is_forgotten_after_two_windows()
    {
        var window = default(RetainWindow);
        window.NoteLive(GiB);
        Assert.Equal(0ul, window.Turn(startedBefore: 100, now: 1100, live: 0, kept: 0));
        Assert.Equal(GiB, window.BoundOf(0, 2 * GiB));
        Assert.Equal(0ul, window.Turn(startedBefore: 1100, now: 1200, live: 0, kept: 0));
        Assert.Equal(GiB, window.BoundOf(0, 2 * GiB));
        Assert.Equal(0ul, window.Turn(startedBefore: 1101, now: 2200, live: 0, kept: 0));
        Assert.Equal(RetainWindow.PlainBytesMax, window.BoundOf(0, 2 * GiB));
    }

    [Fact]
    public void What_was_kept_all_the_time_is_not_needed()
    {
        var window = default(RetainWindow);
        Assert.Equal(0ul, window.Turn(startedBefore: 1, now: 1000, live: 0, kept: 500));
        window.NoteKept(120);
        window.NoteKept(300);
        Assert.Equal(0ul, window.Turn(startedBefore: 1000, now: 1500, live: 0, kept: 400));
        Assert.Equal(120ul, window.Turn(startedBefore: 1001, now: 2001, live: 0, kept: 400));

        // Those 120 are gone, and the other 280 were kept all the time.
        Assert.Equal(280ul, window.Turn(startedBefore: 2002, now: 3002, live: 0, kept: 280));
    }
}
