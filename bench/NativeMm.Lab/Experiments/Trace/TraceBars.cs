using NativeMm.Lab.Peers;
using NativeMm.Lab.Traces;

namespace NativeMm.Lab.Experiments.Trace;

/// <summary>What the trace experiment must show.</summary>
internal static class TraceBars
{
    /// <summary>All rows.</summary>
    public static IReadOnlyList<Bar> All { get; } = [.. TraceLocator.Names.SelectMany(Of)];

    private static IEnumerable<Bar> Of(string trace)
    {
        Case ours = TraceExperiment.CaseOf(AllocatorPeers.NativeMm, 1, trace);
        Case mimalloc = TraceExperiment.CaseOf(AllocatorPeers.Mimalloc, 1, trace);
        Case native = TraceExperiment.CaseOf(TraceExperiment.NativeMimalloc, 1, trace);
        Case glibc = TraceExperiment.CaseOf(AllocatorPeers.Glibc, 1, trace);
        yield return Bar.AtMostTimes(0.85, ours, mimalloc, "ns_per_op");
        yield return Bar.AtMostTimes(1.0, ours, native, "ns_per_op");
        yield return Bar.AtMostTimes(1.0, ours, mimalloc, "rss_peak");
        yield return Bar.AtMostTimes(1.25, ours, glibc, "rss_peak");
    }
}
