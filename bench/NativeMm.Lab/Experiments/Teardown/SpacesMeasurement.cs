using System.Diagnostics;
using System.Globalization;
using NativeMm.Lab.Harness;
using NativeMm.Primitives;

namespace NativeMm.Lab.Experiments.Teardown;

/// <summary>Fills a space and ends it.</summary>
internal sealed class SpacesMeasurement(MeasurementRequest request)
{
    private const long Gibibyte = 1L << 30;
    private const int SmallAreas = 1000;
    private const long SmallBytes = 64 << 10;
    private const int BatchesPerSpace = 16;

    // Above the floor, so that the same methods are compiled.
    private const long WarmBytes = 256 << 20;

    /// <summary>Measures.</summary>
    public Measurement Run()
    {
        long bytes = long.Parse(request.Parameters["gib"]!, CultureInfo.InvariantCulture) * Gibibyte;
        if (request.Case.Variant == TeardownVariants.Apart.Name)
        {
            TeardownWarmup.Run(request, () => RunApart(WarmBytes));
            return RunApart(bytes);
        }

        TeardownWarmup.Run(request, () => Run(WarmBytes));
        return Run(bytes);
    }

    /// <summary>What the processors can do at once: each thread ends a space of its own, over frames of its own, as one process beside another.</summary>
    private Measurement RunApart(long bytes)
    {
        int threads = request.Case.Threads;
        long share = bytes / threads / Pfn.FrameBytes * Pfn.FrameBytes;
        var spaces = new FullSpace[threads];
        try
        {
            for (int thread = 0; thread < threads; thread++)
            {
                spaces[thread] = new FullSpace(share, TeardownVariants.OptionsOf(request.Case, 1));
                spaces[thread].Map(share, isFull: true);
            }

            long tables = spaces.Sum(full => full.Space.GetStatistics().TablePages);
            using var crew = new ThreadCrew(threads, request.Pin);
            TimeSpan cpu = Environment.CpuUsage.TotalTime;
            long start = Stopwatch.GetTimestamp();
            crew.Run(thread => spaces[thread].Space.Dispose());
            return ResultOf(share * threads, start, cpu).Add("width", threads).Add("tables", tables);
        }
        finally
        {
            foreach (FullSpace? full in spaces)
            {
                full?.Dispose();
            }
        }
    }

    private Measurement Run(long bytes)
    {
        int nodes = request.Parameters["nodes"] is { } text ? int.Parse(text, CultureInfo.InvariantCulture) : 0;

        // A threshold as the thread's, 1 GiB, and less for a small space: otherwise there would be no batch at all.
        long threshold = Math.Min(262_144, bytes / 4096 / BatchesPerSpace);
        using var full = new FullSpace(bytes, TeardownVariants.OptionsOf(request.Case, threshold), nodes);
        Fill(full, bytes);
        long tables = full.Space.GetStatistics().TablePages;
        TimeSpan cpu = Environment.CpuUsage.TotalTime;
        long start = Stopwatch.GetTimestamp();
        double back = 0;
        if (request.Case.Variant == TeardownVariants.Unwaited.Name)
        {
            ValueTask end = full.Space.DisposeAsync();
            back = Stopwatch.GetElapsedTime(start).TotalNanoseconds;
            end.AsTask().Wait();
        }
        else
        {
            full.Space.Dispose();
        }

        Measurement measurement = ResultOf(bytes, start, cpu).Add("width", Math.Max(1, full.Workers.Statistics.WidthReached)).Add("tables", tables);
        return back == 0 ? measurement : measurement.Add("return_ns", back);
    }

    private static Measurement ResultOf(long bytes, long start, TimeSpan cpu)
    {
        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        return new Measurement()
            .Add("seconds", seconds)
            .Add("cpu_seconds", (Environment.CpuUsage.TotalTime - cpu).TotalSeconds)
            .Add("gib_per_second", (double)bytes / Gibibyte / seconds);
    }

    private void Fill(FullSpace full, long bytes)
    {
        switch (request.Parameters["part"])
        {
            case TeardownPart.Balanced:
                full.Map(bytes / 2, isFull: true);
                full.Map(bytes / 2, isFull: true);
                break;
            case TeardownPart.OneFull:
                // Who halves by length gives one thread all of it.
                full.Map(bytes, isFull: true);
                full.Map(bytes, isFull: false);
                break;
            case TeardownPart.ManySmall:
                full.Map(bytes - (SmallAreas * SmallBytes), isFull: true);
                for (int i = 0; i < SmallAreas; i++)
                {
                    full.Map(SmallBytes, isFull: true);
                }

                break;
            default:
                full.Map(bytes, isFull: true);
                break;
        }
    }
}
