using NativeMm.Lab.Harness;

namespace NativeMm.Lab.Experiments.Vmalloc;

/// <summary>How many calls that unmap, and how many interrupts to drop translations, a free costs.</summary>
internal sealed class FlushMeasurement(MeasurementRequest request) : IVmallocVisitor<Measurement>
{
    private const int WarmUpOperations = 16;
    private const double Million = 1e6;

    /// <inheritdoc/>
    public Measurement Visit<TRanges>(TRanges ranges)
        where TRanges : struct, IVmallocUnderTest
    {
        using var crew = new ThreadCrew(request.Case.Threads, request.Pin);
        var workload = new FlushWorkload<TRanges>(ranges, crew.Size);
        crew.Run(workload.SetUp);
        long calls = ranges.CountUnmapCalls(workload.Frees);
        ulong? interrupts = InterruptTable.TlbShootdowns;
        double perOperation = RoundTimer.Best(
            crew, 1, thread => workload.Replace(thread, WarmUpOperations), workload.Replace, request.Seconds);
        ulong? interruptsAfter = InterruptTable.TlbShootdowns;
        Measurement result = new Measurement()
            .Add("ns_per_op", perOperation)
            .Add("ops_per_second", crew.Size * 1e9 / perOperation)
            .Add("unmaps_per_million_frees", PerMillionFrees(ranges.CountUnmapCalls(workload.Frees) - calls));
        if (interruptsAfter is { } last && interrupts is { } first)
        {
            result.Add("shootdowns_per_million_frees", PerMillionFrees(last - first));
        }

        crew.Run(workload.TearDown);
        return result;

        double PerMillionFrees(double count) => count * Million / workload.Frees;
    }
}
