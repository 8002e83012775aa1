using System.Globalization;
using NativeMm.Lab.Harness;

namespace NativeMm.Lab.Experiments.Faults;

/// <summary>Measures one pattern on one space.</summary>
internal sealed class FaultMeasurement(MeasurementRequest request)
{
    private const int MappedPages = 16_384;
    private const int HugePagesMax = 32_768;

    // Of the zone's 262,144: tables and frames in flight need some as well.
    private const int PagesOfAllThreads = 196_608;

    /// <summary>Measures.</summary>
    public Measurement Run()
    {
        string pattern = request.Parameters["pattern"]!;
        using SpaceUnderTest space = FaultVariants.Make(request.Case.Variant);
        if (pattern == FaultPattern.Access)
        {
            return AccessMeasurement.Measure((NativeSpace)space, int.Parse(request.Parameters["pages"]!, CultureInfo.InvariantCulture));
        }

        int duty = int.Parse(request.Parameters["duty"]!, CultureInfo.InvariantCulture);
        int threads = request.Case.Threads;
        using var crew = new ThreadCrew(threads + (duty > 0 || pattern == FaultPattern.Collapse ? 1 : 0), request.Pin);
        var workload = new FaultWorkload(space, threads);
        double time = pattern switch
        {
            FaultPattern.Ebizzy => RoundTimer.Best(crew, 1, thread => workload.Ebizzy(thread, 20), workload.Ebizzy, request.Seconds, first: 20),
            FaultPattern.PageFault1 => RoundTimer.Best(
                crew,
                FaultWorkload.PagesPerArea,
                thread => workload.MapTouchUnmap(thread, FaultWorkload.PagesPerArea),
                workload.MapTouchUnmap,
                request.Seconds),
            _ => TouchMapped(crew, workload, pattern, duty),
        };
        Measurement result = new Measurement().Add("ns_per_op", time).Add("ops_per_second", threads * 1e9 / time);
        if (pattern is FaultPattern.Layout or FaultPattern.Collapse)
        {
            result.Add("p999_ns", workload.Faults.QuantileNanoseconds(0.999));
        }

        if (pattern == FaultPattern.Layout)
        {
            result.Add("changes_per_second", workload.ChangesPerSecond);
        }

        space.AddTo(result);
        return result;
    }

    private double TouchMapped(ThreadCrew crew, FaultWorkload workload, string pattern, int duty)
    {
        // A page that is copied takes two frames.
        int framesPerPage = pattern == FaultPattern.PageFault2 ? 2 : 1;
        int most = PagesOfAllThreads / framesPerPage / request.Case.Threads / 512 * 512;
        int pages = int.Min(pattern == FaultPattern.PftHuge ? HugePagesMax : MappedPages, most) / (request.Quick ? 4 : 1);
        Warmup.UntilCompilerIsQuiet(() => workload.TouchMapped(crew, pattern, 512, duty, 0, takesTimes: false));
        return workload.TouchMapped(crew, pattern, pages, duty, request.Seconds, takesTimes: pattern is FaultPattern.Layout or FaultPattern.Collapse);
    }
}
