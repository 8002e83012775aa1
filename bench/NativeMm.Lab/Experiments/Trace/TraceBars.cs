using NativeMm.Lab.Experiments.Heap;
using NativeMm.Lab.Peers;
using NativeMm.Lab.Traces;

namespace NativeMm.Lab.Experiments.Trace;

/// <summary>What the trace experiment must show.</summary>
internal static class TraceBars
{
    private const string Time = "ns_per_op";

    /// <summary>All rows.</summary>
    public static IReadOnlyList<Bar> All { get; } = [.. TraceLocator.Names.SelectMany(Of), RealPrograms()];

    // One program may be a little slower than the others, all of them together may not: the mean takes in pattern mixed, which is made after them.
    private static Bar RealPrograms() => Bar.GeometricMeanAtMost(
        0.85,
        "traces and heap mixed",
        [
            .. TraceLocator.Names.Select(t => (
                TraceExperiment.CaseOf(AllocatorPeers.NativeMm, 1, t), TraceExperiment.CaseOf(AllocatorPeers.Mimalloc, 1, t))),
            (HeapExperiment.CaseOf(AllocatorPeers.NativeMm, 1, HeapPattern.Mixed, null), HeapExperiment.CaseOf(AllocatorPeers.Mimalloc, 1, HeapPattern.Mixed, null)),
        ],
        Time);

    private static IEnumerable<Bar> Of(string trace)
    {
        Case ours = TraceExperiment.CaseOf(AllocatorPeers.NativeMm, 1, trace);
        Case mimalloc = TraceExperiment.CaseOf(AllocatorPeers.Mimalloc, 1, trace);
        Case native = TraceExperiment.CaseOf(TraceExperiment.NativeMimalloc, 1, trace);
        Case glibc = TraceExperiment.CaseOf(AllocatorPeers.Glibc, 1, trace);
        yield return Bar.AtMostTimes(0.95, ours, mimalloc, Time);
        yield return Bar.AtMostTimes(1.0, ours, native, Time);
        yield return Bar.AtMostTimes(1.0, ours, mimalloc, "rss_peak");
        yield return Bar.AtMostTimes(1.25, ours, glibc, "rss_peak");
    }
}
