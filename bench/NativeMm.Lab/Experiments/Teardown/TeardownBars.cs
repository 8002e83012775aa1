namespace NativeMm.Lab.Experiments.Teardown;

/// <summary>What the teardown experiment must show.</summary>
internal static class TeardownBars
{
    private const string Time = "seconds";
    private const string Speed = "gib_per_second";
    private const string Cpu = "cpu_seconds";
    private const string Mebibytes = "8192";
    private const string Gibibytes = "32";

    /// <summary>All rows.</summary>
    public static IReadOnlyList<Bar> All { get; } =
    [
        Bar.AtMostTimes(1 / 0.95, Release(TeardownVariants.Range, 2), Release(TeardownVariants.Bare, 2), Time),

        // As much faster where two bare threads are.
        Bar.AtMostTimes(1 / 1.5, Release(TeardownVariants.Range, 2), Release(TeardownVariants.Inline, 1), Time).Or(
            Bar.AtLeastOfIdeal(
                0.95,
                (Release(TeardownVariants.Range, 2), Release(TeardownVariants.Inline, 1)),
                (Release(TeardownVariants.Bare, 2), Release(TeardownVariants.Inline, 1)),
                Speed)),
        Bar.AtMostTimes(1 / 10.0, Release(TeardownVariants.Inline, 1, "2048"), Release(TeardownVariants.Inline, 1), Time),
        Bar.AtMostTimes(1 / 1.7, Space(TeardownVariants.Range, 2), Space(TeardownVariants.Inline, 1), Time).Or(
            Bar.AtLeastOfIdeal(
                0.95,
                (Space(TeardownVariants.Range, 2), Space(TeardownVariants.Inline, 1)),
                (Space(TeardownVariants.Apart, 2), Space(TeardownVariants.Inline, 1)),
                Speed)),
        Bar.AtMostTimes(1.25, Space(TeardownVariants.Range, 2), Space(TeardownVariants.Inline, 1), Cpu),
        Bar.AtMostTimes(1.25, Release(TeardownVariants.Range, 2), Release(TeardownVariants.Inline, 1), Cpu),
        Bar.AtMostTimes(1 / 0.9, Space(TeardownVariants.Range, 2, TeardownPart.OneFull), Space(TeardownVariants.Range, 2, TeardownPart.Balanced), Time),
        Bar.AtMostTimes(1 / 0.9, Space(TeardownVariants.Range, 2, TeardownPart.ManySmall), Space(TeardownVariants.Range, 2, TeardownPart.Balanced), Time),
        Bar.AtMostTimes(
            1.02,
            TeardownExperiment.SmallCase(TeardownVariants.Adaptive, TeardownVariants.AdaptiveThreads),
            TeardownExperiment.SmallCase(TeardownVariants.Inline, 1),
            "ns_per_op"),
        Bar.AtMostValue(2, Space(TeardownVariants.Unwaited, TeardownVariants.AdaptiveThreads, TeardownPart.Interference), "p99_ratio"),
        Bar.AtMostValue(1e6, Space(TeardownVariants.Unwaited, TeardownVariants.AdaptiveThreads), "return_ns"),
        Bar.AtMostValue(1e6, Release(TeardownVariants.Unwaited, TeardownVariants.AdaptiveThreads), "return_ns"),
        Bar.AtMostValue(1e6, Release(TeardownVariants.Unwaited, 1), "return_ns"),
        Bar.AtMostValue(1e6, Release(TeardownVariants.Unwaited, 2), "return_ns"),
    ];

    private static Case Release(Variant variant, int threads, string pages = "4") => TeardownExperiment.ReleaseCase(variant, threads, Mebibytes, pages);

    private static Case Space(Variant variant, int threads, string part = TeardownPart.Spaces) =>
        TeardownExperiment.SpaceCase(variant, threads, part, Gibibytes);
}
