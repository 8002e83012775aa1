using NativeMm.Lab.Experiments.Frames;
using NativeMm.Lab.Harness;
using NativeMm.Primitives;
using Xunit;

namespace NativeMm.Tests.Unit.Lab;

/// <summary>The frag pattern tells allocators apart that differ in nothing but which frame they choose.</summary>
public sealed class FragmentationRunTests
{
    private const uint Frames = 32 * 512;

    [Fact]
    public void Whoever_takes_the_lowest_frame_gets_huge_blocks_back() => Assert.InRange(Measure(lowest: true)["free_huge_blocks"], 10, 16);

    [Fact]
    public void Whoever_takes_any_frame_does_not() => Assert.Equal(0, Measure(lowest: false)["free_huge_blocks"]);

    private static IReadOnlyDictionary<string, double> Measure(bool lowest)
    {
        using var crew = new ThreadCrew(1, pin: false);
        using var allocator = new ChoosingFrameAllocator(Frames, lowest);
        var workload = new FrameWorkload<ChoosingFrames>(new ChoosingFrames(allocator), Order.Zero, (int)Frames / 2, 1);
        crew.Run(thread => workload.SetUp(thread, shuffled: false));
        return new FragmentationRun<ChoosingFrames>(workload, allocator, Order.Zero).Measure(crew).Metrics;
    }
}
