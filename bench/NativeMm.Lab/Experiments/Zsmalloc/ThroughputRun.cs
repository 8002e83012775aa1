using NativeMm.Lab.Harness;

namespace NativeMm.Lab.Experiments.Zsmalloc;

/// <summary>Workers and compactors in one pool: how much gets done, and how long reads take.</summary>
internal sealed class ThroughputRun(MeasurementRequest request, int[] sizes) : IPoolVisitor<Measurement>
{
    private const int OperationsOfWarmUp = 500;

    /// <inheritdoc/>
    public Measurement Visit<TPool>(TPool pool)
        where TPool : struct, IPoolUnderTest
    {
        using var crew = new ThreadCrew(request.Case.Threads, request.Pin);
        var workload = new PoolWorkload<TPool>(pool, crew.Size, ZsPlan.Of(request).SlotsPerWorker, sizes);
        crew.Run(workload.SetUp);
        using var compactors = new Compactors<TPool>(pool, ZsPlan.CompactorsOf(request));
        double perOperation = RoundTimer.Whole(crew, t => workload.Run<ReadClockOff>(t, OperationsOfWarmUp), workload.Run<ReadClockOff>, request.Seconds);
        var reads = new DurationHistogram[crew.Size];
        RoundTimer.Whole(crew, t => TimedWarmUp(workload, t), workload.Run<ReadClockOn>, request.Seconds);
        crew.Run(t => reads[t] = workload.Workers[t].Reads);
        compactors.Stop();
        crew.Run(workload.Clear);
        return new Measurement()
            .Add("ops_per_second", crew.Size * 1e9 / perOperation)
            .Add("read_p999", reads.Max(r => r.QuantileNanoseconds(0.999)));
    }

    // The reads of the warm-up are forgotten.
    private static void TimedWarmUp<TPool>(PoolWorkload<TPool> workload, int thread)
        where TPool : struct, IPoolUnderTest
    {
        workload.Run<ReadClockOn>(thread, OperationsOfWarmUp);
        workload.Workers[thread].Reads = default;
    }
}
