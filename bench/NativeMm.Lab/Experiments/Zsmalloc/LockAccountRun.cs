using NativeMm.Diagnostics;
using NativeMm.Lab.Harness;

namespace NativeMm.Lab.Experiments.Zsmalloc;

/// <summary>A fixed amount of work in a pool whose locks keep an account of themselves.</summary>
/// <param name="request">What to measure.</param>
/// <param name="sizes">Sizes of real objects.</param>
/// <param name="operations">Calls of each worker.</param>
internal sealed class LockAccountRun(MeasurementRequest request, int[] sizes, int operations) : IPoolVisitor<Measurement>
{
    private const int OperationsOfWarmUp = 100;

    /// <summary>Lets the code of accounting locks get compiled, in a pool of its own: the account begins with finished code.</summary>
    public bool WarmUp { get; init; }

    /// <inheritdoc/>
    public Measurement Visit<TPool>(TPool pool)
        where TPool : struct, IPoolUnderTest
    {
        using var crew = new ThreadCrew(request.Case.Threads, request.Pin);
        var workload = new PoolWorkload<TPool>(pool, crew.Size, ZsPlan.Of(request).SlotsPerWorker, sizes);
        crew.Run(workload.SetUp);
        using var compactors = new Compactors<TPool>(pool, ZsPlan.CompactorsOf(request));
        if (WarmUp)
        {
            Warmup.UntilCompilerIsQuiet(() => crew.Run(thread => workload.Run<ReadClockOff>(thread, OperationsOfWarmUp)));
            compactors.Stop();
            return new Measurement();
        }

        crew.Run(thread => workload.Run<ReadClockOff>(thread, operations));
        compactors.Stop();
        LockStatisticsSnapshot account = pool.Locks ?? throw new InvalidOperationException("The pool's locks keep no account.");
        var result = new Measurement().Add("contentions_per_million", account.Contentions * 1e6 / ((double)operations * crew.Size));
        LockMetrics.AddTo(result, account);
        return result;
    }
}
