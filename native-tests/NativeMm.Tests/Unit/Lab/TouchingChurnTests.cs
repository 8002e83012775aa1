using NativeMm.Frames;
using NativeMm.Lab.Experiments.Frames;
using NativeMm.Lab.Experiments.Reporting;
using NativeMm.Platform;
using NativeMm.Primitives;
using NativeMm.Tests.Support;
using Xunit;

namespace NativeMm.Tests.Unit.Lab;

/// <summary>The churn writes to each page of its window and no other, and holds nothing between two rounds.</summary>
public sealed class TouchingChurnTests
{
    private const int Window = 4;

    [LinuxTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void Touches_one_window_a_round_and_gives_everything_back(bool shuffled) => PinnedThread.RunOnOneCore(() =>
    {
        Assert.True(FrameZone.TryCreate(SystemPlatform.Current, ZoneKind.Normal, 64 << 20, out FrameZone? zone).Succeeded);
        using (zone)
        {
            using var allocator = new LockFreeFrameAllocator(zone!);
            var churn = new TouchingChurn<LockFreeFrames>(new LockFreeFrames(allocator), Window, threads: 1);
            churn.SetUp(0, shuffled);

            churn.Round(0);
            Assert.Equal(Window * Order.Huge.Frames, Resident(zone!));
            Assert.Equal(0UL, allocator.GetStatistics().AllocatedFrames);
            Assert.Equal(Window, churn.RunFor(0, TimeSpan.FromTicks(1)));
            Assert.InRange(Resident(zone!), Window * Order.Huge.Frames, (shuffled ? 4 : 1) * Window * Order.Huge.Frames);
            allocator.Validate();
        }
    });

    [Fact]
    public void A_zone_that_is_too_small_says_so()
    {
        Assert.True(FrameZone.TryCreate(SystemPlatform.Current, ZoneKind.Normal, 4 << 20, out FrameZone? zone).Succeeded);
        using (zone)
        {
            using var allocator = new LockFreeFrameAllocator(zone!);
            var churn = new TouchingChurn<LockFreeFrames>(new LockFreeFrames(allocator), Window, threads: 1);
            churn.SetUp(0, shuffled: false);
            Assert.Contains("ran out", Assert.Throws<InsufficientMemoryException>(() => churn.Round(0)).Message, StringComparison.Ordinal);
        }
    }

    private static uint Resident(FrameZone zone)
    {
        Assert.True(zone.Platform.CountResident(zone.BaseAddress, zone.Bytes, out nuint pages).Succeeded);
        return (uint)pages;
    }
}
