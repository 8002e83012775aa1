using NativeMm.Lab.Experiments.Frames;

namespace NativeMm.Lab.Experiments.Faults;

/// <summary>What the faults experiment must show.</summary>
internal static class FaultBars
{
    private const string Time = "ns_per_op";
    private const string Throughput = "ops_per_second";

    /// <summary>All rows.</summary>
    public static IReadOnlyList<Bar> All { get; } =
    [
        Bar.AtLeastTimes(2, Of(FaultVariants.Speculative, 2, FaultPattern.Ebizzy), Of(FaultVariants.Classic, 2, FaultPattern.Ebizzy), Throughput),
        Bar.AtLeastTimes(3, Layout(FaultVariants.Speculative), Layout(FaultVariants.Classic), Throughput),
        Bar.AtMostTimes(0.1, Layout(FaultVariants.Speculative), Layout(FaultVariants.Classic), "p999_ns"),
        Bar.AtLeastValue(99, Of(FaultVariants.Speculative, 2, FaultPattern.Ebizzy), "success_share"),
        Bar.AtLeastValue(99, Layout(FaultVariants.Speculative), "success_share"),
        Bar.AtLeastValue(99, Of(FaultVariants.Speculative, 2, FaultPattern.Pft), "success_share"),
        Bar.AtLeastValue(99, Of(FaultVariants.Speculative, 1, FaultPattern.Collapse), "success_share"),
        Bar.AtLeastValue(99, Of(FaultVariants.Speculative, 2, FaultPattern.PageFault2), "success_share"),
        Bar.AtMostTimes(1.05, Of(FaultVariants.Speculative, 1, FaultPattern.Pft), Of(FaultVariants.Classic, 1, FaultPattern.Pft), Time),
        Bar.AtMostTimes(0.25, Of(FaultVariants.Speculative, 1, FaultPattern.Pft), Of(FaultVariants.Kernel, 1, FaultPattern.Pft), Time),
        Bar.AtMostTimes(0.15, Of(FaultVariants.Speculative, 1, FaultPattern.PftHuge), Of(FaultVariants.Kernel, 1, FaultPattern.Pft), Time),
        FrameBars.Scaling(0.95, Of(FaultVariants.Speculative, 2, FaultPattern.Pft), Of(FaultVariants.Speculative, 1, FaultPattern.Pft)),
        Bar.AtMostValue(0.5, Access("64"), "read_extra_ns"),
        Bar.AtMostValue(1.0, Access("64"), "lease_extra_ns"),
        Bar.AtMostValue(1.3, Access("131072"), "read_ratio"),
        Bar.AtMostValue(1.3, Access("131072"), "lease_ratio"),
    ];

    private static Case Of(Variant variant, int threads, string pattern) => FaultsExperiment.CaseOf(variant, threads, pattern, "0", "0");

    private static Case Layout(Variant variant) => FaultsExperiment.CaseOf(variant, 1, FaultPattern.Layout, "50", "0");

    private static Case Access(string pages) => FaultsExperiment.CaseOf(FaultVariants.Speculative, 1, FaultPattern.Access, "0", pages);
}
