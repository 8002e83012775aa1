using NativeMm.Frames;
using NativeMm.Platform;
using NativeMm.Primitives;
using Xunit;

namespace NativeMm.Tests.Unit.Frames;

/// <summary>What the search for a tree costs as a zone fills up, and what threads of one core do to its counters.</summary>
public sealed class FrameSearchTests
{
    [Fact]
    public void A_counter_that_two_threads_of_a_core_count_down_ends_at_0()
    {
        uint counter = 1;
        AtOnce.Action = () => Assert.True(LockFreeFrameAllocator.TryCountDown<NoPause>(ref counter));
        Assert.True(LockFreeFrameAllocator.TryCountDown<AtOnce>(ref counter));
        Assert.Equal(0u, counter);
    }

    [Fact]
    public void Filling_a_zone_that_is_eight_times_as_large_takes_about_eight_times_as_long()
    {
        // Each tree looked at for each new one would take 64 times as long. Of processor time, and the best of many, because others use the machine as well, and no
        // more of them than it takes: what takes 64 times as long does so each time.
        double small = double.MaxValue;
        double large = double.MaxValue;
        for (int run = 0; run < 3 || (run < 40 && large >= 28 * Math.Max(small, 0.5)); run++)
        {
            small = Math.Min(small, Fill(16UL << 30));
            large = Math.Min(large, Fill(128UL << 30));
        }

        Assert.True(large < 28 * Math.Max(small, 0.5), $"16 GiB took {small:f2} ms, 128 GiB {large:f2} ms.");
    }

    private static double Fill(ulong bytes)
    {
        ulong blocks = bytes >> 22;
        Assert.True(FrameZone.TryCreate(SystemPlatform.Current, ZoneKind.Normal, bytes, out FrameZone? zone).Succeeded);
        using FrameZone owned = zone!;
        using var frames = new LockFreeFrameAllocator(owned, coreSlots: 1);
        long start = ThreadScheduling.CpuNanoseconds;
        ulong count = 0;
        while (count < blocks && frames.TryAllocate(Order.Max, FrameFlags.NoReclaim, out _, out _))
        {
            count++;
        }

        double milliseconds = (ThreadScheduling.CpuNanoseconds - start) / 1e6;
        Assert.Equal(blocks, count);
        return milliseconds;
    }

    /// <summary>Does something the first time that a window is reached.</summary>
    private readonly struct AtOnce : IPausePoint
    {
        public static Action? Action { get; set; }

        public static void Reach(string name)
        {
            Action? action = Action;
            Action = null;
            action?.Invoke();
        }
    }
}
