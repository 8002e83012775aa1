namespace NativeMm.Lab.Experiments.Frames;

/// <summary>What the frames experiment must show.</summary>
internal static class FrameBars
{
    private const string Time = "ns_per_op";
    private const string Throughput = "ops_per_second";

    /// <summary>
    /// All rows. Flat from 1 to 2 threads is held to the same figure as scaling: at least 1.9 times the throughput.
    /// </summary>
    public static IReadOnlyList<Bar> All { get; } =
    [
        .. FastAndFlat(40, FrameAllocators.LockFree, FramePattern.Repeat),
        .. FastAndFlat(40, FrameAllocators.LockFree, FramePattern.Random),
        .. FastAndFlat(10, FrameAllocators.LockFreeCached, FramePattern.Repeat),
        Bar.AtLeastTimes(
            5,
            FramesExperiment.CaseOf(FrameAllocators.LockFree, 2, FramePattern.Repeat, "0"),
            FramesExperiment.CaseOf(FrameAllocators.BuddyUncached, 2, FramePattern.Repeat, "0"),
            Throughput),
    ];

    private static IEnumerable<Bar> FastAndFlat(double limit, Variant variant, string pattern)
    {
        Case one = FramesExperiment.CaseOf(variant, 1, pattern, "0");
        Case two = FramesExperiment.CaseOf(variant, 2, pattern, "0");
        yield return Bar.AtMostValue(limit, one, Time);
        yield return Bar.AtLeastTimes(1.9, two, one, Throughput);
    }
}
