using System.Globalization;
using NativeMm.Lab.Harness;

namespace NativeMm.Lab.Experiments.Vmalloc;

/// <summary>Measures one test of the kernel's module on one source of contiguous pages.</summary>
internal sealed class TestMeasurement(MeasurementRequest request) : IVmallocVisitor<Measurement>
{
    private const int WarmUpOperations = 16;

    /// <inheritdoc/>
    public Measurement Visit<TRanges>(TRanges ranges)
        where TRanges : struct, IVmallocUnderTest
    {
        string test = request.Parameters["test"]!;
        int pages = int.Parse(request.Parameters["pages"] ?? "1", CultureInfo.InvariantCulture);
        using var crew = new ThreadCrew(request.Case.Threads, request.Pin);
        var workload = new TestWorkload<TRanges>(ranges, TestSizes.Of(request), pages, crew.Size);
        if (test == VmallocTest.MapRam)
        {
            ranges.PrepareMapRam(crew.Size, pages);
        }

        crew.Run(thread => workload.SetUp(thread, test));
        Action<int, int> loop = workload.LoopOf(test);
        double perOperation = RoundTimer.Best(
            crew, workload.GranularityOf(test), thread => loop(thread, WarmUpOperations), loop, request.Seconds);
        crew.Run(thread => workload.TearDown(thread, test));
        return new Measurement()
            .Add("ns_per_op", perOperation)
            .Add("ops_per_second", crew.Size * 1e9 / perOperation)
            .Add("passed", workload.Passed)
            .Add("failed", workload.Failed)
            .Add("loops", workload.Passed + workload.Failed);
    }
}
