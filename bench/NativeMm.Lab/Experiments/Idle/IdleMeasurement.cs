using System.Diagnostics;
using NativeMm.Lab.Harness;
using NativeMm.Lab.Peers;

namespace NativeMm.Lab.Experiments.Idle;

/// <summary>
/// Allocates a live set, then a burst on top, or both in one sequence; frees the burst and watches, from a thread that does nothing else, how the process gives the
/// memory back. No managed memory is allocated between the base and the end, so that no collection is provoked.
/// </summary>
internal sealed class IdleMeasurement(IdlePlan plan, MeasurementRequest request) : IPeerVisitor<Measurement>
{
    private const double ExcessWanted = 5;
    private static readonly TimeSpan s_interval = TimeSpan.FromMilliseconds(50);

    /// <inheritdoc/>
    public Measurement Visit<TAllocator, THandle>()
        where TAllocator : struct, IAllocatorUnderTest<THandle>
        where THandle : struct, IBlockHandle
    {
        if (ResidentMemory.Now == 0)
        {
            throw new NotSupportedException("This system does not tell how much memory is resident.");
        }

        using var crew = new ThreadCrew(1, request.Pin);
        var warm = new IdleObjects<TAllocator, THandle>(1 << 16);
        Warmup.UntilCompilerIsQuiet(() => crew.Run(_ => Cycle(warm)));

        var live = new IdleObjects<TAllocator, THandle>(plan.LiveBytes);
        var burst = new IdleObjects<TAllocator, THandle>(plan.BurstBytes);
        var samples = new SeriesPoint[(int)(plan.Watch / s_interval) + 2];
        Array.Fill(samples, default);
        GC.Collect();
        ulong before = ResidentMemory.Now;
        ulong? loaded = null;
        if (plan.IsMixed)
        {
            crew.Run(_ => IdleObjects<TAllocator, THandle>.AllocateMixed(live, burst));
        }
        else
        {
            crew.Run(_ => live.Allocate());
            loaded = ResidentMemory.Now - before;
            crew.Run(_ => burst.Allocate());
        }

        ulong peak = ResidentMemory.Now - before;
        int collections = GC.CollectionCount(0);
        crew.Run(_ => burst.Free());
        int count = Watch(samples, before);
        collections = GC.CollectionCount(0) - collections;
        Measurement result = Describe(samples.AsSpan(0, count), live.UsableBytes, live.Bytes)
            .Add("rss_burst", peak)
            .Add("gc_collections", collections)
            .AddSeries("resident bytes", samples[..count]);
        GC.KeepAlive(live);
        return loaded is { } alone ? result.Add("rss_live", alone) : result;
    }

    private static void Cycle<TAllocator, THandle>(IdleObjects<TAllocator, THandle> objects)
        where TAllocator : struct, IAllocatorUnderTest<THandle>
        where THandle : struct, IBlockHandle
    {
        objects.Allocate();
        objects.Free();
    }

    private int Watch(SeriesPoint[] samples, ulong before)
    {
        long start = Stopwatch.GetTimestamp();
        int count = 0;
        while (count < samples.Length)
        {
            TimeSpan now = Stopwatch.GetElapsedTime(start);
            samples[count++] = new SeriesPoint(now.TotalSeconds, Math.Max(0, (double)ResidentMemory.Now - before));
            if (now >= plan.Watch)
            {
                break;
            }

            Thread.Sleep(s_interval);
        }

        return count;
    }

    private Measurement Describe(ReadOnlySpan<SeriesPoint> samples, ulong liveBytes, ulong askedBytes)
    {
        double reached = plan.Watch.TotalSeconds;
        for (int i = samples.Length - 1; i >= 0 && Excess(samples[i].Y, liveBytes) <= ExcessWanted; i--)
        {
            reached = samples[i].X;
        }

        return new Measurement()
            .Add("rss_idle_excess", Excess(samples[^1].Y, liveBytes))
            .Add("rss_idle_excess_of_asked", Excess(samples[^1].Y, askedBytes))
            .Add("seconds_to_5_percent", reached)
            .Add("rss_idle", samples[^1].Y);
    }

    private static double Excess(double resident, double live) => (resident / live - 1) * 100;
}
