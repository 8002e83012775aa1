// Purpose      compacts a fragmented pool on several threads while workers go on in it.
// Ordering     _compacting counts compactors that are not done. [W1] each takes itself off with a full fence; workers read it with acquire [W2] and
//              stop at 0. Everything else is read by the caller after the crew's round.

using System.Diagnostics;
using NativeMm.Lab.Harness;
using NativeMm.Primitives;

namespace NativeMm.Lab.Experiments.Zsmalloc;

/// <summary>Makes objects, frees 70 % of them at random, and lets several threads compact at once.</summary>
internal sealed class CompactionRun(MeasurementRequest request, int[] sizes) : IPoolVisitor<Measurement>
{
    private const int FreedPercent = 70;
    private const int WarmUpObjects = 2048;
    private const int WorkerBatch = 64;
    private const int OperationsOfWarmUp = 500;
    private const int Seed = 0x6370;

    private readonly int _workers = request.Case.Threads;
    private readonly int _compactors = ZsPlan.CompactorsOf(request);
    private int _compacting;

    /// <inheritdoc/>
    public Measurement Visit<TPool>(TPool pool)
        where TPool : struct, IPoolUnderTest
    {
        using var crew = new ThreadCrew(_workers + _compactors, request.Pin);
        var workload = new PoolWorkload<TPool>(pool, _workers, ZsPlan.Of(request).SlotsPerWorker, sizes);
        crew.Run(OnWorkers(workload.SetUp));
        Warmup.UntilCompilerIsQuiet(() => Round(pool, crew, workload, WarmUpObjects));
        double alone = RoundTimer.Whole(
            crew,
            OnWorkers(thread => workload.Run<ReadClockOff>(thread, OperationsOfWarmUp)),
            (thread, operations) => OnWorkers(t => workload.Run<ReadClockOff>(t, operations))(thread),
            request.Seconds);
        CompactionFigures[] rounds = [.. Enumerable.Range(0, ZsPlan.Of(request).CompactionRounds)
            .Select(_ => Round(pool, crew, workload, ZsPlan.Of(request).FragmentedObjects))
            .OrderBy(f => f.Nanoseconds)];

        // Not the fastest round: that is one in which the workers were away.
        CompactionFigures middle = rounds[rounds.Length / 2];
        crew.Run(OnWorkers(workload.Clear));
        double throughputAlone = _workers * 1e9 / alone;
        return new Measurement()
            .Add("compaction_time", middle.Nanoseconds)
            .Add("frames_freed", middle.FramesFreed)
            .Add("frames_freed_share", middle.FramesBefore == 0 ? 0 : 100.0 * middle.FramesFreed / middle.FramesBefore)
            .Add("bytes_copied", middle.BytesMoved)
            .Add("worker_ops_per_second", middle.WorkerOperationsPerSecond)
            .Add("worker_ops_share", 100 * middle.WorkerOperationsPerSecond / throughputAlone);
    }

    private Action<int> OnWorkers(Action<int> work) => thread =>
    {
        if (thread < _workers)
        {
            work(thread);
        }
    };

    private CompactionFigures Round<TPool>(TPool pool, ThreadCrew crew, PoolWorkload<TPool> workload, int objects)
        where TPool : struct, IPoolUnderTest
    {
        ulong[] left = Fragment(pool, objects);
        long framesBefore = pool.Frames;
        long movedBefore = pool.BytesMoved;
        long[] freed = new long[_compactors];
        double[] throughputs = new double[_workers];
        double[] times = new double[_compactors];
        _compacting = _compactors;
        crew.Run(thread =>
        {
            if (thread < _workers)
            {
                throughputs[thread] = Work(workload, thread);
            }
            else
            {
                (freed[thread - _workers], times[thread - _workers]) = Compact(pool);
            }
        });
        var figures = new CompactionFigures(times.Max(), framesBefore, freed.Sum(), pool.BytesMoved - movedBefore, throughputs.Sum());
        foreach (ulong handle in left)
        {
            pool.Free(handle);
        }

        return figures;
    }

    private ulong[] Fragment<TPool>(TPool pool, int objects)
        where TPool : struct, IPoolUnderTest
    {
        var handles = new ulong[objects];
        byte[] content = new byte[PoolWorker.BytesMax];
        for (int i = 0; i < objects; i++)
        {
            int size = sizes[i % sizes.Length];
            handles[i] = pool.Alloc(size);
            pool.Write(handles[i], content.AsSpan(0, size));
        }

        new Random(Seed).Shuffle(handles);
        int freed = (int)((long)objects * FreedPercent / 100);
        foreach (ulong handle in handles.AsSpan(0, freed))
        {
            pool.Free(handle);
        }

        return handles[freed..];
    }

    private (long Freed, double Nanoseconds) Compact<TPool>(TPool pool)
        where TPool : struct, IPoolUnderTest
    {
        long start = Stopwatch.GetTimestamp();
        try
        {
            return (pool.Compact(), Stopwatch.GetElapsedTime(start).TotalNanoseconds);
        }
        finally
        {
            Atomic.Add(ref _compacting, -1); // [W1] pairs with [W2]
        }
    }

    // Operations a second until the last compactor is done.
    private double Work<TPool>(PoolWorkload<TPool> workload, int thread)
        where TPool : struct, IPoolUnderTest
    {
        long start = Stopwatch.GetTimestamp();
        long operations = 0;
        while (Atomic.LoadAcquire(ref _compacting) > 0) // [W2] pairs with [W1]
        {
            workload.Run<ReadClockOff>(thread, WorkerBatch);
            operations += WorkerBatch;
        }

        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        return seconds > 0 ? operations / seconds : 0;
    }
}
