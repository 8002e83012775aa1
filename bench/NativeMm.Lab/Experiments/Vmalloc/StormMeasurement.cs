using System.Diagnostics;
using NativeMm.Lab.Harness;
using NativeMm.Platform;
using NativeMm.Primitives;
using NativeMm.Vmap;

namespace NativeMm.Lab.Experiments.Vmalloc;

/// <summary>
/// Producers allocate areas of 1 to 31 pages and free all of them as fast as they can, again and again; whoever purges must keep up. A last
/// thread looks every millisecond how much is outstanding. Afterwards everything must be there again.
/// </summary>
internal sealed class StormMeasurement(MeasurementRequest request)
{
    private const int Seed = 0x7374;
    private const int PagesMax = 31;
    private const int SamplesMax = 2_000;
    private const int RoundsMin = 3;
    private const nuint Page = Pfn.FrameBytes;

    private readonly StormPlan _plan = request.Quick ? StormPlan.Small : StormPlan.Full;
    private readonly int _producers = request.Case.Threads;

    /// <summary>Measures one storm.</summary>
    public Measurement Measure()
    {
        VmapOptions options = _plan.Options with
        {
            Purge = PurgePolicyText.Parse(request.Parameters["policy"] ?? PurgePolicyText.Default, _plan.LazyPagesMax),
        };
        using var rig = new VmapRig(request.Case.Variant, options, SystemPlatform.Current, _plan.BoundPages);
        ulong framesBefore = rig.Allocator.GetStatistics().Frames.AllocatedFrames;
        var samples = new List<SeriesPoint>(SamplesMax);
        using var crew = new ThreadCrew(_producers + 1, request.Pin);
        var producers = new StormProducer[_producers];
        int running = _producers;
        double time = crew.Run(thread =>
        {
            if (thread == _producers)
            {
                Watch(rig, samples, ref running, crew.Abort);
                return;
            }

            producers[thread] = new StormProducer(rig.Allocator, Seed + thread, _plan.BurstPages / _producers, PagesMax);
            producers[thread].Run(request.Seconds, RoundsMin);
            Atomic.Add(ref running, -1);
        });
        long frees = producers.Sum(p => p.Frees);
        Measurement result = new Measurement()
            .Add("ns_per_op", time * _producers / frees)
            .Add("ops_per_second", frees * 1e9 / time);
        Account(rig, framesBefore, result);
        return result.AddSeries("outstanding bytes", samples);
    }

    private void Account(VmapRig rig, ulong framesBefore, Measurement result)
    {
        VmapStatistics during = rig.Allocator.GetStatistics();
        long peak = Math.Max(rig.Outstanding.Peak, during.LazyPagesPeak);
        rig.Allocator.Purge(pools: true);
        rig.Allocator.Validate();
        VmapStatistics after = rig.Allocator.GetStatistics();
        result
            .Add("outstanding_max", peak)
            .Add("outstanding_bound", _plan.BoundPages)
            .Add("over_bound", rig.Outstanding.OverBound + (after.LazyPagesPeak > _plan.BoundPages ? 1 : 0))
            .Add("frames_lost", Math.Abs((double)after.Frames.AllocatedFrames - framesBefore))
            .Add("ranges_lost", Math.Abs(after.WindowPages - after.FreePages))
            .Add("purges", during.Purges)
            .Add("throttled_frees", during.ThrottledFrees);
    }

    private static void Watch(VmapRig rig, List<SeriesPoint> samples, ref int running, AbortSignal abort)
    {
        long begun = Stopwatch.GetTimestamp();
        while (Atomic.LoadAcquire(ref running) > 0)
        {
            abort.ThrowIfRaised();
            if (samples.Count < SamplesMax)
            {
                samples.Add(new SeriesPoint(Stopwatch.GetElapsedTime(begun).TotalSeconds, (double)rig.Outstanding.Now * Page));
            }

            Thread.Sleep(1);
        }
    }
}
