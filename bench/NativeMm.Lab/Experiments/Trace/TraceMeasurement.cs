using System.Diagnostics;
using NativeMm.Lab.Harness;
using NativeMm.Lab.Peers;
using NativeMm.Lab.Traces;

namespace NativeMm.Lab.Experiments.Trace;

/// <summary>
/// Measures one replay: loads the trace, compiles the replay with a tiny synthetic one, notes what the process holds, then plays rounds.
/// </summary>
internal sealed class TraceMeasurement(Traces.Trace trace, MeasurementRequest request) : IPeerVisitor<Measurement>
{
    /// <summary>Rounds that the peak is taken over; time allowing, further rounds are played for the speed alone.</summary>
    public const int Rounds = 5;

    /// <inheritdoc/>
    public Measurement Visit<TAllocator, THandle>()
        where TAllocator : struct, IAllocatorUnderTest<THandle>
        where THandle : struct, IBlockHandle =>
        request.Case.Threads == 0 ? Threaded<TAllocator, THandle>() : Ordered<TAllocator, THandle>();

    private Measurement Ordered<TAllocator, THandle>()
        where TAllocator : struct, IAllocatorUnderTest<THandle>
        where THandle : struct, IBlockHandle
    {
        using var crew = new ThreadCrew(1, request.Pin);
        Traces.Trace warm = SyntheticTrace.Create();
        var warmSlots = new THandle[warm.ObjectCount];
        var slots = new THandle[trace.ObjectCount];
        Array.Fill(slots, default);
        Warmup.UntilCompilerIsQuiet(() => Play<TAllocator, THandle>(crew, warm, warmSlots));
        return PlayRounds<TAllocator>(() => Play<TAllocator, THandle>(crew, trace, slots));
    }

    private static double Play<TAllocator, THandle>(ThreadCrew crew, Traces.Trace played, THandle[] slots)
        where TAllocator : struct, IAllocatorUnderTest<THandle>
        where THandle : struct, IBlockHandle
    {
        double time = crew.Run(_ => TraceReplay.Run<TAllocator, THandle>(played.Records, slots));
        crew.Run(_ => TraceReplay.FreeRest<TAllocator, THandle>(slots));
        return time;
    }

    private Measurement Threaded<TAllocator, THandle>()
        where TAllocator : struct, IAllocatorUnderTest<THandle>
        where THandle : struct, IBlockHandle
    {
        using var crew = new ThreadCrew(trace.ThreadCount, request.Pin);
        var warmTrace = new ThreadedTrace(SyntheticTrace.Create());
        var warm = new ThreadedReplay<TAllocator, THandle>(warmTrace, crew.Abort);
        var replay = new ThreadedReplay<TAllocator, THandle>(new ThreadedTrace(trace), crew.Abort);
        replay.Reset();
        using var warmCrew = new ThreadCrew(warmTrace.Records.Count, request.Pin);
        Warmup.UntilCompilerIsQuiet(() => Play(warmCrew, warm));
        crew.Run(_ => { });
        return PlayRounds<TAllocator>(() => Play(crew, replay));
    }

    private static double Play<TAllocator, THandle>(ThreadCrew crew, ThreadedReplay<TAllocator, THandle> replay)
        where TAllocator : struct, IAllocatorUnderTest<THandle>
        where THandle : struct, IBlockHandle
    {
        double time = crew.Run(replay.Run);
        crew.Run(thread => { if (thread == 0) { replay.Reset(); } });
        return time;
    }

    private Measurement PlayRounds<TAllocator>(Func<double> play)
    {
        ulong before = ResidentMemory.BeginPeak();
        double best = double.MaxValue;
        for (int i = 0; i < Rounds; i++)
        {
            best = Math.Min(best, play());
        }

        ulong peak = ResidentMemory.Peak;
        for (long start = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(start).TotalSeconds < request.Seconds;)
        {
            best = Math.Min(best, play());
        }

        Measurement result = new Measurement().Add("ns_per_op", best / trace.Records.Length);
        if (ResidentMemory.IsKnown)
        {
            result.Add("rss_peak", peak - before);
        }

        DepotLocks.AddTo<TAllocator>(result, trace.Records.Length, () => play());
        return result;
    }
}
