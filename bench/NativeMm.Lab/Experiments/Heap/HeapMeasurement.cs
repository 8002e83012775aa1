using System.Globalization;
using NativeMm.Lab.Harness;
using NativeMm.Lab.Peers;

namespace NativeMm.Lab.Experiments.Heap;

/// <summary>Measures one pattern on one allocator.</summary>
internal sealed class HeapMeasurement(MeasurementRequest request) : IPeerVisitor<Measurement>
{
    // One more round, in which locks are counted and nothing is timed.
    private const double CountedNanoseconds = 50e6;
    private const int CountedOperationsMax = 1 << 24;

    /// <inheritdoc/>
    public Measurement Visit<TAllocator, THandle>()
        where TAllocator : struct, IAllocatorUnderTest<THandle>
        where THandle : struct, IBlockHandle
    {
        using var crew = new ThreadCrew(request.Case.Threads, request.Pin);
        HeapWorkload workload = Make<TAllocator, THandle>(crew);
        crew.Run(workload.SetUp);
        double perOperation = Time(crew, workload);
        double parallel = (double)crew.Size / workload.ThreadsPerOperation;
        Measurement result = new Measurement().Add("ns_per_op", perOperation).Add("ops_per_second", parallel * 1e9 / perOperation);
        int steps = (int)Math.Clamp(CountedNanoseconds / perOperation / workload.Granularity, 1, CountedOperationsMax / workload.Granularity);
        int operations = steps * workload.Granularity;
        DepotLocks.AddTo<TAllocator>(result, operations * parallel, () => crew.Run(thread => workload.Run(thread, operations)));
        return result;
    }

    private double Time(ThreadCrew crew, HeapWorkload workload) => crew.Size > CorePlan.Cores
        ? RoundTimer.Mean(crew, workload.Granularity, workload.WarmUp, workload.Run, request.Seconds, workload.OperationsFirst)
        : RoundTimer.Best(crew, workload.Granularity, workload.WarmUp, workload.Run, request.Seconds, workload.OperationsFirst);

    private HeapWorkload Make<TAllocator, THandle>(ThreadCrew crew)
        where TAllocator : struct, IAllocatorUnderTest<THandle>
        where THandle : struct, IBlockHandle
    {
        int threads = crew.Size;
        int size = int.Parse(request.Parameters["size"] ?? "0", CultureInfo.InvariantCulture);
        return request.Parameters["pattern"] switch
        {
            HeapPattern.Pair => new PairWorkload<TAllocator, THandle>((nuint)size),
            HeapPattern.Batch => new BatchWorkload<TAllocator, THandle>(threads, (nuint)size, _ => FreeOrder.NewestFirst(FreeOrder.Batch)),
            HeapPattern.Fifo => new BatchWorkload<TAllocator, THandle>(threads, (nuint)size, _ => FreeOrder.OldestFirst(ReplacementTables.Live)),
            HeapPattern.Random => new BatchWorkload<TAllocator, THandle>(threads, (nuint)size, FreeOrder.Any),
            HeapPattern.Remote => new RemoteWorkload<TAllocator, THandle>(threads, (nuint)size, crew.Abort),
            HeapPattern.Mixed => new ReplacementWorkload<TAllocator, THandle>(
                threads, ReplacementTables.AnyOrder, SizeMixture.Of(request.Parameters["sizes"] ?? SizeMixture.LogNormal)),
            HeapPattern.Churn => new ChurnWorkload<TAllocator, THandle>(threads, size, request.Pin),
            HeapPattern.Trees => new TreesWorkload<TAllocator, THandle>(threads),
            HeapPattern.Transfer => new TransferWorkload<TAllocator, THandle>(threads),
            HeapPattern.Exchange => new ExchangeWorkload<TAllocator, THandle>(threads, crew.Abort),
            HeapPattern.Simple => new SimpleWorkload<TAllocator, THandle>(threads),
            HeapPattern.Tasks => new TasksWorkload<TAllocator, THandle>(threads, request.Pin),
            HeapPattern.Larson => new LarsonWorkload<TAllocator, THandle>(threads, request.Pin),
            HeapPattern.Pages => new MarkedSetWorkload<TAllocator, THandle>(threads, MarkedSetPlan.Pages),
            HeapPattern.Large => new MarkedSetWorkload<TAllocator, THandle>(threads, MarkedSetPlan.Large),
            HeapPattern.Burst => new BurstWorkload<TAllocator, THandle>(threads),
            string other => throw new ArgumentException($"There is no pattern {other}."),
            null => throw new ArgumentException("The request names no pattern."),
        };
    }
}
