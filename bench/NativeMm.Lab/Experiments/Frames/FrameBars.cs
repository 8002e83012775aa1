namespace NativeMm.Lab.Experiments.Frames;

/// <summary>What the frames experiment must show.</summary>
internal static class FrameBars
{
    private const string Time = "ns_per_op";
    private const string Throughput = "ops_per_second";

    /// <summary>
    /// All rows. Nanoseconds are held against what the machine needs for as many compare-and-swaps on private lines, and the step from 1 to 2 threads
    /// against how far those come with it.
    /// </summary>
    public static IReadOnlyList<Bar> All { get; } =
    [
        .. FastAndFlat(2.2, FrameAllocators.LockFree, FramePattern.Repeat),
        .. FastAndFlat(2.2, FrameAllocators.LockFree, FramePattern.Random),
        .. FastAndFlat(0.55, FrameAllocators.LockFreeCached, FramePattern.Repeat),
        Bar.AtLeastTimes(
            5,
            FramesExperiment.CaseOf(FrameAllocators.LockFree, 2, FramePattern.Repeat, "0"),
            FramesExperiment.CaseOf(FrameAllocators.BuddyUncached, 2, FramePattern.Repeat, "0"),
            Throughput),
    ];

    /// <summary>The ideal on so many threads.</summary>
    public static Case Ideal(int threads) => FramesExperiment.CaseOf(FrameAllocators.Ideal, threads, FramePattern.Repeat, "0");

    /// <summary>From one thread to two, the throughput must grow by at least this part of what it grows by on private lines.</summary>
    public static Bar Scaling(double limit, Case two, Case one) => Bar.AtLeastOfIdeal(limit, (two, one), (Ideal(2), Ideal(1)), Throughput);

    private static IEnumerable<Bar> FastAndFlat(double limit, Variant variant, string pattern)
    {
        Case one = FramesExperiment.CaseOf(variant, 1, pattern, "0");
        Case two = FramesExperiment.CaseOf(variant, 2, pattern, "0");
        yield return Bar.AtMostTimes(limit, one, Ideal(1), Time);
        yield return Scaling(0.95, two, one);
    }
}
