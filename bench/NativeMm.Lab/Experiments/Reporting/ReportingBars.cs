using System.Globalization;
using NativeMm.Lab.Peers;

namespace NativeMm.Lab.Experiments.Reporting;

/// <summary>What the reporting experiment must show.</summary>
internal static class ReportingBars
{
    private const string Time = "ns_per_op";

    /// <summary>All rows.</summary>
    public static IReadOnlyList<Bar> All { get; } =
    [
        .. OneAndTwo(1.01, ReportingVariants.NullDevice),
        .. OneAndTwo(1.03, ReportingVariants.DontNeed),
        .. from variant in (Variant[])[ReportingVariants.Bits, ReportingVariants.Boundary, ReportingVariants.Rotation] select Linear(variant),
        Bar.AtMostValue(5, BurstOf(AllocatorPeers.NativeMm), "rss_idle_excess"),
        .. from peer in ReportingVariants.Burst.Where(v => !v.IsOurs)
           select Bar.AtMostTimes(1, BurstOf(AllocatorPeers.NativeMm), BurstOf(peer), "rss_idle"),
    ];

    private static IEnumerable<Bar> OneAndTwo(double limit, Variant variant) =>
        from threads in (int[])[1, 2]
        select Bar.AtMostTimes(
            limit,
            ReportingExperiment.CaseOf(variant, threads, ReportingPart.Overhead),
            ReportingExperiment.CaseOf(ReportingVariants.Off, threads, ReportingPart.Overhead),
            Time);

    private static Bar Linear(Variant variant) =>
        Bar.AtMostValue(1.1, ReportingExperiment.ScanCaseOf(variant, ScanSizes.Largest.ToString(CultureInfo.InvariantCulture)), "exponent");

    private static Case BurstOf(Variant variant) => ReportingExperiment.CaseOf(variant, 1, ReportingPart.Burst);
}
